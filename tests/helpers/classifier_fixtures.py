"""Fixtures of every test of classifiers: pictures of three kinds of cells, a small network, a trained classifier."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from drawn_cells import MILD, draw_cells

from neubauer.gan.data.images import ImageSet, images_from_array
from neubauer.models.classifier.fit import FitSettings
from neubauer.models.estimators.cell_classifier import CellClassifier
from neubauer.nets.classifier import CellNet

KINDS = ("disc", "halves", "ring")


def make_cells(n: int, seed: int = 0, size: int = 16) -> ImageSet:
    """Discs, rings and split discs in turn, of random place, radius, direction and brightness; (n, 1, size, size)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    cy, cx = rng.uniform(0.4 * size, 0.6 * size, (2, n, 1, 1))
    radius = rng.uniform(0.25 * size, 0.4 * size, (n, 1, 1))
    angle = rng.uniform(0, 2 * np.pi, (n, 1, 1))
    distance = np.hypot(y - cy, x - cx)
    disc = distance < radius
    ring = disc & (distance > 0.5 * radius)
    halves = disc & (np.abs((y - cy) * np.cos(angle) + (x - cx) * np.sin(angle)) > 1)
    kind = np.arange(n) % 3
    shape = np.where(kind[:, None, None] == 0, disc, np.where(kind[:, None, None] == 1, halves, ring))
    images = shape * rng.uniform(0.5, 0.9, (n, 1, 1)) + rng.normal(0, 0.03, (n, size, size))
    return images_from_array((255 * images.clip(0, 1)).astype(np.uint8)[:, None], [KINDS[k] for k in kind])


@pytest.fixture
def cells() -> Callable[..., ImageSet]:
    return make_cells


@pytest.fixture
def net() -> Callable[..., CellNet]:
    """A small network with weights from a seed."""

    def make(seed: int = 0, classes: int = 3) -> CellNet:
        torch.manual_seed(seed)
        return CellNet(1, classes, widths=(8, 16, 32), depths=(1, 1), hidden=32, dropout=0.0, stem_stride=1)

    return make


@pytest.fixture
def accuracy() -> Callable[[CellNet, ImageSet], float]:
    @torch.no_grad()
    def measure(network: CellNet, images: ImageSet) -> float:
        found = network(torch.from_numpy(images.intensity.normalise(images.images))).argmax(1).numpy()
        return float((found == images.labels).mean())

    return measure


@pytest.fixture(scope="session")
def trained() -> CellClassifier:
    """A network that knows the three kinds."""
    images, names = draw_cells(120, seed=1)
    settings = FitSettings(steps=70, batch=32, average=0.9, augmentation=MILD)
    return CellClassifier(settings=settings).fit(images, names)
