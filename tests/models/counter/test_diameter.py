"""The size of the cells of an image is found with the counter itself."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import discs

from neubauer.cells.annotation import Annotation
from neubauer.images.normalise import percentile_limits
from neubauer.images.read import from_array
from neubauer.models.counter.diameter import estimate_diameter
from neubauer.models.counter.fit import FitSettings
from neubauer.models.estimators.cell_counter import CellCounter

DIAMETER = 13.0
"""Of the discs before they are magnified."""


def magnified(scale: int, seed: int) -> tuple[np.ndarray, Annotation]:
    """A scene at `scale` times the size, its noise as fine as before."""
    image, annotation = discs(10, seed=seed)
    assert annotation.labels is not None
    large = image.astype(float).repeat(scale, 0).repeat(scale, 1)
    large += np.random.default_rng(seed).normal(0, 40, large.shape)
    labels = annotation.labels.repeat(scale, 0).repeat(scale, 1)
    centres = annotation.centres * scale + (scale - 1) / 2
    marks = Annotation("masks", labels.shape, ("cell",), annotation.class_index, centres, labels=labels)
    return np.clip(large, 0, 65535).astype(np.uint16), marks


@pytest.fixture(scope="module")
def counter() -> CellCounter:
    """Trained on two magnifications, 1 and 3."""
    scenes = [magnified(1 + 2 * (i % 2), seed=i) for i in range(12)]
    settings = FitSettings(steps=200, batch=4, crop=96)
    model = CellCounter(settings=settings, widths=(16, 24, 32), depths=(1, 1, 1))
    return model.fit([i for i, _ in scenes], [a for _, a in scenes])


def estimate(counter: CellCounter, image: np.ndarray, expected: tuple[float, float]) -> float | None:
    source = from_array(image)
    limits = percentile_limits(source, *counter.config.percentiles)
    return estimate_diameter(counter._fast, counter._spec, counter.thresholds, source, limits, expected)


def test_the_range_of_the_training_images_is_kept(counter: CellCounter) -> None:
    low, high = counter.config.diameter_range
    assert low == pytest.approx(DIAMETER, rel=0.15)
    assert high == pytest.approx(3 * DIAMETER, rel=0.15)


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_finds_the_size_of_magnified_scenes(counter: CellCounter, scale: int) -> None:
    image, annotation = magnified(scale, seed=50 + scale)
    found = estimate(counter, image, counter.config.diameter_range)
    assert found == pytest.approx(scale * DIAMETER, rel=0.25)
    cells = counter.predict(image)
    assert cells.info["diameter_from"] == "estimated"
    assert cells.info["diameter"] == pytest.approx(found, rel=0.05)  # that of the cells themselves, once found
    assert abs(len(cells) - len(annotation)) <= 2


def test_large_images_are_measured_by_parts(counter: CellCounter) -> None:
    """Three windows tell the size of 1,300 x 1,300 pixels."""
    image = np.tile(magnified(1, seed=60)[0], (10, 10))
    assert estimate(counter, image, (DIAMETER, 2 * DIAMETER)) == pytest.approx(DIAMETER, rel=0.25)


def test_without_cells_there_is_no_size(counter: CellCounter) -> None:
    flat = np.full((200, 200), 1000, np.uint16)
    assert estimate(counter, flat, counter.config.diameter_range) is None
    assert counter.predict(flat).info["diameter_from"] == "training images"
