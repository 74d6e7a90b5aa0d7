from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import nn

from neubauer.gan.data.labelled import LabelledData
from neubauer.gan.games.classifier_controls import ClassifierControl, mean_teacher_loss, pseudo_label_loss
from neubauer.gan.games.classifier_game import fixmatch_loss
from neubauer.models.classifier.semi_supervised import semi_supervised_config
from neubauer.nets.semi_supervised import Student, realness, statistics_kept


def test_fixmatch_learns_only_from_what_the_teacher_is_sure_of():
    taught = torch.tensor([[0.97, 0.03], [0.6, 0.4]])
    logits = torch.zeros(2, 2, requires_grad=True)
    loss, used = fixmatch_loss(taught, logits, 0.95)
    loss.backward()
    assert used == 0.5
    assert loss.item() == pytest.approx(math.log(2) / 2)
    assert logits.grad is not None
    assert logits.grad[0, 0] < 0 < logits.grad[0, 1]
    assert (logits.grad[1] == 0).all()


def test_pseudo_label_makes_the_likeliest_class_likelier():
    logits = torch.tensor([[0.2, 0.1, 0.0]], requires_grad=True)
    pseudo_label_loss(logits).backward()
    assert logits.grad is not None
    assert logits.grad[0, 0] < 0
    assert (logits.grad[0, 1:] > 0).all()


def test_mean_teacher_loss_is_zero_where_both_agree():
    logits = torch.tensor([[1.0, 2.0], [0.0, -3.0]])
    assert mean_teacher_loss(logits.softmax(1), logits) == 0
    assert mean_teacher_loss(logits.flip(1).softmax(1), logits) > 0.1


def test_realness_is_the_logit_of_real():
    """D = Z / (Z + 1) with Z the sum of the exponentials of the logits."""
    logits = torch.tensor([[0.5, -1.0, 2.0]])
    z = logits.exp().sum()
    assert torch.sigmoid(realness(logits)).item() == pytest.approx((z / (z + 1)).item(), rel=1e-6)


def test_generated_images_leave_the_statistics_of_real_ones_alone(net):
    student = Student(net()).train()
    before = [
        b.clone() for m in student.modules() if isinstance(m, nn.BatchNorm2d) for b in (m.running_mean, m.running_var)
    ]
    with statistics_kept(student):
        student(torch.randn(8, 1, 16, 16) * 3)
    norms = [m for m in student.modules() if isinstance(m, nn.BatchNorm2d)]
    after = [b for m in norms for b in (m.running_mean, m.running_var)]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    student(torch.randn(8, 1, 16, 16) * 3)
    assert not torch.equal(norms[0].running_mean, before[0])


def test_noise_is_for_training_alone(net):
    student = Student(net(), input_noise=0.3, layer_noise=0.3)
    x = torch.randn(4, 1, 16, 16)
    assert torch.equal(student.eval()(x)[0], student.classifier(x))
    assert not torch.equal(student.train()(x)[0], student(x)[0])


class TestTeacher:
    def game(self, net, **changes) -> ClassifierControl:
        config = semi_supervised_config("fixmatch", changes)
        return ClassifierControl(config, net())  # type: ignore[arg-type]

    def test_follows_the_student(self, net):
        game = self.game(net, average=0.9)
        old = game.teacher.head.bias.clone()
        with torch.no_grad():
            game.student.classifier.head.bias += 1
        game.step = 10_000
        game.update_teacher()
        assert torch.allclose(game.teacher.head.bias, old + 0.1, atol=1e-6)

    def test_alignment_brings_a_rare_answer_back(self, net):
        """A teacher that nearly always says the same is corrected towards equal numbers, if it is aligned."""
        x = torch.randn(64, 1, 16, 16)
        share = {}
        for alignment in (0.0, 1.0):
            game = self.game(net, alignment=alignment)
            with torch.no_grad():
                game.teacher.head.bias[0] += 2.0
            for _ in range(300):
                taught = game.teach(x)
            share[alignment] = taught.mean(0)[0].item()
        assert share[0.0] > 0.6
        assert share[1.0] == pytest.approx(1 / 3, abs=0.1)

    def test_weight_ramps_up(self, net):
        game = self.game(net, weight=2.0, ramp=0.5)
        game.steps = 100
        weights = []
        for game.step in (0, 25, 50, 99):
            weights.append(game.ramped_weight)
        assert weights[0] < 0.02 < weights[1] < weights[2]
        assert weights[2:] == [2.0, 2.0]


class TestData:
    def data(self, cells, **more) -> LabelledData:
        same = lambda x, generator: x + 0 * torch.rand(1, generator=generator)  # noqa: E731
        return LabelledData(cells(9), cells(50, seed=1), 12, same, same, lambda x, g: -x, **more)

    def test_classes_are_drawn_alike(self, cells):
        images = cells(300)
        few = images.subset(np.r_[np.flatnonzero(images.labels == 0), np.flatnonzero(images.labels == 1)[:2], 2, 5])
        same = lambda x, generator: x  # noqa: E731
        batch = LabelledData(few, images, 12, same, same, same).batch(np.arange(3), np.random.default_rng(0))
        assert torch.bincount(batch["class"]).tolist() == [4, 4, 4]
        assert (
            len(torch.unique(batch["labelled"][batch["class"] == 0], dim=0)) == 4
        )  # no repeats while there are others

    def test_batch_is_a_function_of_its_arguments(self, cells):
        data = self.data(cells)
        a, b, c = (data.batch(np.array([0, 20, 8, 58]), np.random.default_rng(s)) for s in (1, 1, 2))
        assert all(torch.equal(a[k], b[k]) for k in a)
        assert not torch.equal(a["class"], c["class"]) or not torch.equal(a["labelled"], c["labelled"])

    def test_labelled_images_are_unlabelled_ones_too(self, cells):
        data = self.data(cells)
        assert len(data) == 59
        weak = data.batch(np.arange(59), np.random.default_rng(0))["weak"]
        expected = torch.cat(
            [s.batch(np.arange(len(s)), np.random.default_rng(0))["image"] for s in (cells(9), cells(50, seed=1))]
        )
        assert torch.equal(weak, expected)

    def test_images_are_in_the_order_of_their_indices(self, cells):
        data = self.data(cells)
        order = np.random.default_rng(0).permutation(59)
        sorted_, shuffled = (data.batch(i, np.random.default_rng(0)) for i in (np.arange(59), order))
        assert torch.equal(shuffled["weak"], sorted_["weak"][order])

    def test_only_wanted_views_are_made(self, cells):
        assert set(self.data(cells, views=()).batch(np.arange(4), np.random.default_rng(0))) == {"labelled", "class"}
        assert "weak" not in self.data(cells, views=("strong",)).batch(np.arange(4), np.random.default_rng(0))
