from __future__ import annotations

import numpy as np
import pytest
import torch

from neubauer.gan.games.classifier_controls import ClassifierControl
from neubauer.gan.label_propagation import LabelMemory, certainty, spread_labels
from neubauer.models.classifier_semi_supervised import semi_supervised_config


@pytest.fixture
def moons() -> tuple[torch.Tensor, torch.Tensor]:
    """Two bent clusters on the sphere, (120, 3), in each of which the last points are far from the first, and the class
    of each point; the first two points are the first of each cluster."""
    t = np.tile(np.linspace(0, 1, 60), 2) * 2.5
    kind = np.repeat([0, 1], 60)
    noise = np.random.default_rng(0).normal(0, 0.01, (120, 3))
    points = np.stack([np.cos(t), np.sin(t), np.where(kind == 0, 0.35, -0.35)], 1) + noise
    order = np.r_[0, 60, 1:60, 61:120]
    return torch.from_numpy(points[order]).float(), torch.from_numpy(kind[order])


def test_labels_follow_the_clusters(moons):
    """One label at the end of each cluster reaches the other end, which is nearer to the other cluster's label."""
    features, truth = moons
    shares = spread_labels(features, truth[:2], 2, neighbours=5, spread=0.99)
    assert torch.allclose(shares.sum(1), torch.ones(120), atol=1e-5)
    assert (shares.argmax(1) == truth).float().mean() > 0.99


def test_what_no_label_reaches_is_unknown():
    """Two labelled points, a third one beside the first, and one that has not been seen yet."""
    features = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.1], [0.0, 0.0]])
    shares = spread_labels(features, torch.tensor([0, 1]), 2, neighbours=2, spread=0.9)
    assert shares[:3].argmax(1).tolist() == [0, 1, 0]
    assert shares[3].tolist() == [0.5, 0.5]
    assert certainty(shares)[3] == 0


def test_certainty_is_from_none_to_all():
    assert certainty(torch.tensor([[1.0, 0.0, 0.0], [1 / 3, 1 / 3, 1 / 3]])).tolist() == pytest.approx([1, 0], abs=1e-6)


def test_memory_averages_over_passes():
    memory = LabelMemory(torch.tensor([0, 1]), 3, 2, 2, neighbours=1, spread=0.9)
    index = torch.tensor([2])
    memory.remember(index, torch.tensor([[4.0, 0.0]]))
    assert memory.features[2].tolist() == [1, 0]
    memory.remember(index, torch.tensor([[0.0, 2.0]]))
    assert memory.features[2].tolist() == [0.5, 0.5]
    assert (memory.features[:2] == 0).all()


def test_spread_labels_take_the_place_of_the_teachers(net):
    """After the first passes, an unsure teacher is no hindrance, and the loss is that of the spread labels."""
    config = semi_supervised_config("label-propagation", {"training": {"batch_size": 16}})
    torch.manual_seed(0)
    game = ClassifierControl(config, net(), torch.arange(3), 64)  # type: ignore[arg-type]
    assert game.memory is not None
    x, logits = torch.randn(64, 1, 16, 16), torch.randn(16, 3)
    for game.step in range(13):  # three passes of four steps
        index = torch.arange(16) + 16 * (game.step % 4)
        found = game.consistency({"weak": x[index], "index": index}, logits, 0.95)
        assert (found.terms["consistency"] > 0) == (game.step == 12)
    assert torch.equal(game.memory.taught[:3], torch.arange(3))
