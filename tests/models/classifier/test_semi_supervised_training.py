from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from neubauer.errors import InputError
from neubauer.gan.data.images import images_from_array
from neubauer.models.classifier.augment import CellAugmentation, stronger
from neubauer.models.classifier.semi_supervised import (
    fit_semi_supervised,
    semi_supervised_config,
    semi_supervised_recipes,
)
from neubauer.recipes import load_recipe

GENTLE = CellAugmentation(erase=0.0, scale=1.1, channel=0.0)
SMALL = {
    "labelled_batch": 24,
    "training": {"batch_size": 32, "precision": "float32", "accelerator": "cpu", "log_every": 5},
}
ADVERSARY = {"image_generator": {"net": "dcgan", "widths": [32, 16]}, "generated_batch": 16, "latent": 8}


def changes(recipe: str, **more) -> dict:
    adversarial = "image_generator" in load_recipe(recipe)
    return SMALL | (ADVERSARY if adversarial else {}) | more


@pytest.mark.parametrize("recipe", semi_supervised_recipes())
def test_recipe_learns_from_few_labels(recipe, cells, net, accuracy):
    """From chance (a third) to most of the unseen cells, with 8 labels per class."""
    trained, report = fit_semi_supervised(
        net(), cells(24), cells(600, seed=1), recipe, changes(recipe), steps=100, augmentation=GENTLE
    )
    assert report.reason == "finished"
    assert not trained.training
    assert accuracy(trained, cells(300, seed=2)) > 0.75


def test_unlabelled_images_are_changed_more_strongly_but_not_in_other_ways():
    assert stronger(GENTLE).erase == GENTLE.erase == 0
    assert stronger(GENTLE).scale > GENTLE.scale
    assert stronger(CellAugmentation()).erase == pytest.approx(0.45)


def test_every_recipe_has_a_source_and_a_kind():
    assert set(semi_supervised_recipes()) == {
        "supervised",
        "pseudo-label",
        "mean-teacher",
        "fixmatch",
        "feature-matching",
        "adversarial-consistency",
    }
    for name in semi_supervised_recipes():
        assert load_recipe(name)["source"]
        assert load_recipe(name)["description"]


def test_published_settings_of_feature_matching():
    training = semi_supervised_config("feature-matching").training
    for player in (training.generator, training.discriminator):
        assert (player.learning_rate, player.beta1) == (3e-3, 0.5)
    assert training.batch_size == 100


def test_same_seed_same_network(cells, net):
    def weights(seed: int) -> torch.Tensor:
        recipe = "adversarial-consistency"
        trained, _ = fit_semi_supervised(
            net(), cells(12), cells(100, seed=1), recipe, changes(recipe), steps=3, seed=seed
        )
        return torch.cat([p.flatten() for p in trained.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("recipe", ["mean-teacher", "adversarial-consistency"])
def test_stopped_run_resumes_exactly(recipe, cells, net, tmp_path, monkeypatch):
    """A run that dies between two checkpoints ends, resumed, with the very weights of one that did not."""
    from neubauer.gan.training.trainer import Trainer

    def train(out, **more):
        settings = changes(recipe)
        settings["training"] = settings["training"] | {"checkpoint_every": 4}
        trained, _ = fit_semi_supervised(
            net(), cells(12), cells(100, seed=1), recipe, settings, steps=8, out=out, **more
        )
        return torch.cat([p.flatten() for p in trained.parameters()])

    whole = train(tmp_path / "whole")
    play = Trainer._play

    def die(self):
        if self.state.step == 6:
            raise KeyboardInterrupt
        play(self)

    with monkeypatch.context() as patched:
        patched.setattr(Trainer, "_play", die)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "cut")
    assert torch.equal(train(tmp_path / "cut", resume=True), whole)


def test_sixteen_bit_images_of_two_channels(cells, accuracy):
    """Any bit depth and number of channels."""
    from neubauer.nets.classifier import CellNet

    def wide(images):
        two = np.concatenate([images.images, 255 - images.images], 1).astype(np.uint16) * 16
        return images_from_array(two, [images.classes[k] for k in images.labels])

    torch.manual_seed(0)
    network = CellNet(2, 3, widths=(8, 16, 32), depths=(1, 1), hidden=32, dropout=0.0, stem_stride=1)
    train = wide(cells(48))
    trained, _ = fit_semi_supervised(
        network, train, wide(cells(200, seed=1)), "fixmatch", changes("fixmatch"), steps=60, augmentation=GENTLE
    )
    assert accuracy(trained, replace(wide(cells(300, seed=2)), intensity=train.intensity)) > 0.7


def test_fewer_images_than_a_batch(cells, net):
    """18 images in all, for a batch of 32: smaller batches."""
    _, report = fit_semi_supervised(net(), cells(12), cells(6), "fixmatch", changes("fixmatch"), steps=2)
    assert report.step == 2


class TestBadInput:
    def fit(self, net, labelled, unlabelled, recipe="fixmatch", **more):
        fit_semi_supervised(net(), labelled, unlabelled, recipe, changes(recipe), steps=1, **more)

    def test_class_without_a_label(self, cells, net):
        with pytest.raises(InputError, match="class halves: found no labelled image to train on; expected at least 1"):
            self.fit(net, cells(12).subset(np.array([0, 2, 3, 5])), cells(100))

    def test_one_class(self, cells, net):
        images = cells(12)
        one = images_from_array(images.images, ["disc"] * 12)
        with pytest.raises(InputError, match="found 1 classes; expected at least 2"):
            self.fit(net, one, cells(100))

    def test_unlabelled_of_another_shape(self, cells, net):
        with pytest.raises(InputError, match=r"unlabelled images: found \(1, 20, 20\)"):
            self.fit(net, cells(12), cells(100, size=20))

    def test_unlabelled_of_another_depth(self, cells, net):
        deep = images_from_array(cells(100).images.astype(np.uint16))
        with pytest.raises(InputError, match="unlabelled images: found uint16; expected uint8"):
            self.fit(net, cells(12), deep)

    def test_recipe_of_something_else(self):
        with pytest.raises(InputError, match="recipe: found 'vae'; expected one of adversarial-consistency"):
            semi_supervised_config("vae")

    def test_unknown_recipe(self):
        with pytest.raises(InputError, match="'fixmacht'; expected 'fixmatch'"):
            semi_supervised_config("fixmacht")

    def test_unknown_key(self):
        with pytest.raises(InputError, match="unknown key 'treshold'; expected 'threshold'"):
            semi_supervised_config("fixmatch", {"treshold": 0.5})
