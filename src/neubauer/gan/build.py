"""From a config to its game."""

from __future__ import annotations

import torch

from neubauer.errors import InputError
from neubauer.gan.config.image import GenerativeConfig, ImageGanConfig, VaeConfig
from neubauer.gan.data.images import ImageSet
from neubauer.gan.game import Game
from neubauer.gan.games.image_gan import ImageGan
from neubauer.gan.games.vae import Vae

SCHEMAS: dict[str, type[GenerativeConfig]] = {"image-gan": ImageGanConfig, "vae": VaeConfig}


def build_game(config: GenerativeConfig, shape: tuple[int, int, int], classes: int = 0) -> Game:
    """The game of a recipe, with weights that depend only on the config's seed.

    Raises
    ------
    InputError : the recipe needs classes and there are fewer than two.
    """
    if isinstance(config, ImageGanConfig) and config.conditioning not in ("none", "auto") and classes < 2:
        raise InputError(
            f"recipe {config.recipe}",
            f"{classes} classes",
            "at least 2: one sub-folder of images per class, or `classes`",
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        if isinstance(config, ImageGanConfig):
            return ImageGan(config, shape, classes)
        assert isinstance(config, VaeConfig)
        return Vae(config, shape, classes)


def data_fingerprint(images: ImageSet) -> dict[str, object]:
    """What a run remembers of its data, so that it is not resumed on other data."""
    return {
        "n": len(images),
        "shape": list(images.shape),
        "dtype": images.intensity.dtype,
        "classes": list(images.classes),
    }
