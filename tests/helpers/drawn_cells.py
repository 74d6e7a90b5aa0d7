"""Simulated cells of three kinds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from neubauer.models.classifier.augment import CellAugmentation

KINDS = ("granular", "round", "small")
MILD = CellAugmentation(free=0.3, gain=0.1, channel=0.2, erase=0.0)


def draw_cell(kind: str, rng: np.random.Generator, side: int = 32, diameter: float = 16.0) -> np.ndarray:
    """(3, side, side) uint8: a disc on a bright field; small ones are half as wide, granular ones speckled."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2 + rng.uniform(-1, 1, (2, 1, 1))
    radius = diameter / 2 * rng.uniform(0.9, 1.1) * (0.5 if kind == "small" else 1)
    inside = 1 / (1 + np.exp(np.hypot(y, x) - radius))
    ink = np.array([60.0, 110.0, 40.0])[:, None, None] * rng.uniform(0.8, 1.2)
    grain = side // 16
    speckles = np.kron(rng.uniform(0, 2, (16, 16)), np.ones((grain, grain))) if kind == "granular" else 1.0
    image = 225 - ink * inside * speckles + rng.normal(0, 4, (3, side, side))
    return np.clip(image, 0, 255).astype(np.uint8)


def draw_cells(
    n: int, seed: int, kinds: Sequence[str] = KINDS, side: int = 32, diameter: float = 16.0
) -> tuple[np.ndarray, list[str]]:
    """(N, 3, side, side) and the kind of each, in turn."""
    rng = np.random.default_rng(seed)
    names = [kinds[i % len(kinds)] for i in range(n)]
    return np.stack([draw_cell(name, rng, side, diameter) for name in names]), names


def write_folders(folder: Path, images: np.ndarray, names: Sequence[str]) -> Path:
    """One sub-folder per class."""
    for i, (image, name) in enumerate(zip(images, names, strict=True)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image.transpose(1, 2, 0)).save(folder / name / f"{name}-{i:03d}.png")
    return folder
