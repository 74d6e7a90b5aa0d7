"""Synthetic images and small networks for the tests of the adversarial engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from neubauer.gan.config.base import merge, validate
from neubauer.gan.config.image import GenerativeConfig
from neubauer.gan.data.images import ImageSet, images_from_array
from neubauer.gan.games.registry import GAMES
from neubauer.recipes import load_recipe

SMALL_NETS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "mlp": ({"hidden": [64, 64]}, {"hidden": [64, 64]}),
    "dcgan": ({"widths": [32, 16]}, {"widths": [16, 32], "base": 4}),
    "resnet": ({"widths": [32, 16]}, {"widths": [16, 32], "base": 4}),
    "r3": ({"widths": [32, 32], "group_width": 16}, {"widths": [32, 32], "group_width": 16}),
}


def make_blobs(n: int, size: int = 8, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Bright blobs of random place and width near the middle, (n, channels, size, size) uint8."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    cy, cx = rng.uniform(0.35 * size, 0.65 * size, (2, n, 1, 1))
    radius = rng.uniform(0.12 * size, 0.25 * size, (n, 1, 1))
    blobs = np.exp(-((y - cy) ** 2 + (x - cx) ** 2) / (2 * radius**2))
    return (255 * blobs[:, None] * np.linspace(1, 0.5, channels)[:, None, None]).astype(np.uint8)


@pytest.fixture
def blobs() -> Callable[..., np.ndarray]:
    return make_blobs


@pytest.fixture
def blob_set() -> ImageSet:
    """512 images of 8 x 8 pixels in two classes."""
    return images_from_array(make_blobs(512), ["bright", "dark"] * 256)


@pytest.fixture
def small() -> Callable[..., GenerativeConfig]:
    """A recipe with small networks and a short, quiet training; further changes as nested tables."""

    def make(recipe: str, changes: dict[str, Any] | None = None) -> GenerativeConfig:
        tables = load_recipe(recipe)
        adversary = "encoder" if "encoder" in tables else "discriminator"
        quiet = {
            "latent": 8,
            "generator": SMALL_NETS[tables["generator"]["net"]][0],
            adversary: SMALL_NETS[tables[adversary]["net"]][1],
            "training": {
                "steps": 20,
                "batch_size": 32,
                "precision": "float32",
                "accelerator": "cpu",
                "average_decay": 0.98,
                "log_every": 5,
                "preview_every": 0,
                "monitor": {"every": 0},
                "generator": {"learning_rate": 1e-3},
                "discriminator": {"learning_rate": 1e-3},
            },
        }
        tables = load_recipe(recipe, merge(quiet, changes or {}))
        return validate(GAMES[tables["game"]].schema, tables, recipe)

    return make
