"""What the contrastive game computes once, and what it leaves alone."""

from __future__ import annotations

import copy

import torch

from neubauer.gan.config.translation import CutConfig
from neubauer.gan.games.cut import Cut

SMALL = CutConfig(widths=(8, 16), depths=(1, 1), critic_widths=(8, 16), patches=16)


def test_features_of_a_translation_are_those_of_its_image() -> None:
    torch.manual_seed(0)
    game = Cut(SMALL, (3, 3)).eval()
    x = torch.randn(2, 3, 32, 32)
    network = game.generator["a2b"]
    made, features = network.translate(x)
    assert torch.equal(made, network(x))
    assert all(torch.equal(f, g) for f, g in zip(features, network.features(x), strict=True))


def test_running_statistics_are_those_of_the_images_that_are_translated() -> None:
    torch.manual_seed(0)
    game = Cut(SMALL, (3, 3))
    twin = copy.deepcopy(game.generator["a2b"])
    batch = {name: torch.randn(2, 3, 32, 32) for name in "ab"}
    game.discriminator_loss(batch)
    game.generator_loss(batch)
    for images in batch.values():
        twin(images)
    trained = dict(game.generator["a2b"].named_buffers())
    for name, buffer in twin.named_buffers():
        if name.endswith(("running_mean", "running_var")):
            torch.testing.assert_close(trained[name], buffer)


def test_the_generator_can_move_without_the_discriminator() -> None:
    torch.manual_seed(0)
    game = Cut(SMALL, (3, 3)).eval()
    batch = {name: torch.randn(2, 3, 32, 32) for name in "ab"}
    torch.manual_seed(1)
    alone = game.generator_loss(batch)
    game.discriminator_loss(batch)
    torch.manual_seed(1)
    after = game.generator_loss(batch)
    torch.testing.assert_close(alone.terms, after.terms, rtol=0, atol=0)
