from __future__ import annotations

import numpy as np
import pytest
import torch

from neubauer.errors import InputError
from neubauer.gan.build import build_game
from neubauer.gan.training.trainer import Trainer
from neubauer.metrics.features import RandomEncoder
from neubauer.metrics.generation import diversity, frechet_distance
from neubauer.recipes import load_recipe, recipe_names

STEPS = {
    "mlp": 400,
    "mlp-critic": 150,
    "dcgan-dropout": 250,
    "dcgan-5x5": 150,
    "dcgan": 150,
    "dcgan-r1": 150,
    "lsgan": 150,
    "wgan-gp": 100,
    "sngan": 80,
    "acgan": 200,
    "projection": 80,
    "r3": 150,
    "vae": 250,
}


@pytest.mark.parametrize("name", STEPS)
def test_recipe_learns(name, small, blob_set, tmp_path):
    """From random noise to a fraction of the distance, with samples that differ."""
    config = small(name, {"training": {"steps": STEPS[name]}})
    everything = np.arange(len(blob_set))
    real = blob_set.batch(everything, np.random.default_rng(0))["image"]
    encoder = RandomEncoder(real, components=16)
    features = encoder(real)
    game = build_game(config, blob_set.shape, len(blob_set.classes))

    def made() -> np.ndarray:
        with torch.no_grad():
            return encoder(game.eval().sample(game.generator, 512))

    torch.manual_seed(1)
    before = frechet_distance(features, made())
    game.train()
    Trainer(config.training, tmp_path / "run", progress=False).fit(game, blob_set)
    after = frechet_distance(features, made())
    assert after < 0.25 * before
    assert 0.15 < diversity(features, made()) < 2


def test_every_image_recipe_is_tested_and_has_a_source():
    names = recipe_names("image-gan", "vae")
    assert sorted(STEPS) == names
    for name in names:
        assert load_recipe(name)["source"]
        assert load_recipe(name)["description"]


def test_unknown_recipe_suggests_the_nearest():
    with pytest.raises(InputError, match=r"'dcgam'; expected 'dcgan'\?"):
        load_recipe("dcgam")


def _weights(network: torch.nn.Module) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for p in network.parameters() if p.ndim > 1]


@pytest.mark.parametrize(
    ("name", "shape", "generator", "discriminator"),
    [
        ("mlp", (1, 28, 28), [(128, 100), (128, 128), (784, 128)], [(128, 784), (128, 128), (1, 128)]),
        (
            "mlp-critic",
            (1, 32, 32),
            [(8192, 100), (128, 128, 5, 5), (128, 64, 5, 5), (64, 1, 7, 7)],
            [(1024, 1024), (512, 1024), (256, 512), (1, 256)],
        ),
        (
            "dcgan-dropout",
            (1, 32, 32),
            [(16384, 100), (256, 128, 5, 5), (128, 64, 5, 5), (64, 1, 5, 5)],
            [(64, 1, 5, 5), (128, 64, 5, 5), (1, 8192)],
        ),
        (
            "dcgan-5x5",
            (3, 64, 64),
            [(4096, 100), (256, 128, 5, 5), (128, 64, 5, 5), (64, 64, 5, 5), (64, 64, 5, 5), (64, 3, 5, 5)],
            [(64, 3, 5, 5), (128, 64, 5, 5), (1, 32768)],
        ),
        (
            "dcgan",
            (3, 64, 64),
            [(8192, 100), (512, 256, 4, 4), (256, 128, 4, 4), (128, 64, 4, 4), (64, 3, 4, 4)],
            [(64, 3, 4, 4), (128, 64, 4, 4), (256, 128, 4, 4), (1, 16384)],
        ),
    ],
)
def test_recipes_of_the_origins_have_the_origins_layers(name, shape, generator, discriminator):
    from neubauer.gan.config.base import validate
    from neubauer.gan.games.registry import GAMES

    tables = load_recipe(name)
    game = build_game(validate(GAMES[tables["game"]].schema, tables, name), shape)
    assert _weights(game.generator) == generator
    assert _weights(game.discriminator) == discriminator
    slopes = {m.negative_slope for m in game.modules() if isinstance(m, torch.nn.LeakyReLU)}
    assert slopes == {0.3}
    dense = next(m for m in game.generator.modules() if isinstance(m, torch.nn.Linear))
    assert (dense.bias is None) == (name != "mlp")  # all but the fully connected one start without bias
    assert game.generator(torch.zeros(2, 100)).shape == (2, *shape)
