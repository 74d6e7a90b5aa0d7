from __future__ import annotations

import pytest
import torch

from neubauer.gan.augment import Augment
from neubauer.gan.config.base import AugmentConfig

OFF = {"flips": False, "quarter_turns": False, "translation": 0.0}


def test_off_is_the_identity():
    x = torch.randn(4, 1, 8, 8)
    assert Augment(AugmentConfig())(x) is x


def test_geometry_keeps_every_pixel_value():
    x = torch.randn(16, 2, 6, 6)
    y = Augment(AugmentConfig(probability=1.0, translation=0.0))(x)
    torch.testing.assert_close(y.flatten(1).sort().values, x.flatten(1).sort().values)
    assert not torch.equal(x, y)


def test_turns_and_flips_reach_all_eight_positions():
    torch.manual_seed(0)
    x = torch.arange(9.0).reshape(1, 1, 3, 3).expand(400, 1, 3, 3)
    y = Augment(AugmentConfig(probability=1.0, translation=0.0))(x)
    assert len(torch.unique(y.flatten(1), dim=0)) == 8


def test_images_that_are_not_square_keep_their_shape():
    x = torch.randn(8, 1, 4, 10)
    assert Augment(AugmentConfig(probability=1.0))(x).shape == x.shape


def test_translation_moves_by_whole_pixels_up_to_its_limit():
    torch.manual_seed(0)
    x = torch.zeros(300, 1, 16, 16)
    x[:, :, 8, 8] = 1
    y = Augment(AugmentConfig(**OFF | {"translation": 0.125}, probability=1.0))(x)
    places = y.flatten(1).argmax(1)
    offsets = torch.stack((places // 16 - 8, places % 16 - 8))
    assert offsets.abs().max() == 2
    assert len(torch.unique(offsets, dim=1).T) == 25


def test_intensity_changes_only_on_request():
    x = torch.rand(50, 1, 8, 8)
    bright = Augment(AugmentConfig(**OFF, probability=1.0, brightness=0.5))(x) - x
    assert bright.flatten(1).std(1).max() < 1e-6
    assert 0.2 < bright.abs().max() <= 0.5
    contrast = Augment(AugmentConfig(**OFF, probability=1.0, contrast=0.5))(x)
    torch.testing.assert_close(contrast.mean((1, 2, 3)), x.mean((1, 2, 3)))
    assert not torch.allclose(contrast, x)


def test_cutout_blanks_a_square():
    torch.manual_seed(0)
    y = Augment(AugmentConfig(**OFF, probability=1.0, cutout=0.5))(torch.ones(100, 1, 8, 8))
    blank = (y == 0).flatten(1).sum(1)
    assert 4 <= blank.min() < blank.max() <= 16


def test_share_of_changed_images_follows_the_probability():
    torch.manual_seed(0)
    x = torch.randn(2000, 1, 4, 4)
    y = Augment(AugmentConfig(**OFF | {"flips": True}, probability=0.4))(x)
    # each of the two flips is applied with half of the probability
    assert (x != y).flatten(1).any(1).float().mean().item() == pytest.approx(1 - 0.8**2, abs=0.04)


def test_gradients_flow_twice():
    x = torch.randn(4, 1, 8, 8, requires_grad=True)
    score = Augment(AugmentConfig(probability=1.0, cutout=0.3))(x).pow(3).sum()
    (gradient,) = torch.autograd.grad(score, x, create_graph=True)
    gradient.square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


def test_adaptive_probability_follows_certainty():
    augment = Augment(AugmentConfig(adaptive=True))
    for _ in range(100):
        augment.observe(torch.ones(500), 0.0)
    assert augment.probability.item() == pytest.approx(0.1)
    for _ in range(50):
        augment.observe(torch.tensor([1.0, -1.0] * 250), 0.0)  # recognised half the time: no better than chance
    assert augment.probability.item() == pytest.approx(0.05)
    fixed = Augment(AugmentConfig(probability=0.3))
    fixed.observe(torch.ones(500), 0.0)
    assert fixed.probability.item() == pytest.approx(0.3)
