"""Objects of a predicted layout: which there are, and how far they reach."""

from __future__ import annotations

import numpy as np

from neubauer.layouts.decode import Thresholds
from neubauer.layouts.spec import STRIDE
from neubauer.models.counter.layout import Layout
from neubauer.models.counter.objects import Objects, boxes_of, find_objects, full_labels

DIAMETER = 24.0
PLACES = np.array([(20, 20), (20, 60)])


def layout(heights: tuple[float, float]) -> Layout:
    """Two discs of 24 px; the foreground is as high as `heights` inside, and fades to nothing over the outer third."""
    y, x = np.mgrid[:40, :80].astype(np.float32)
    maps = np.zeros((4, 40, 80), np.float16)
    for (cy, cx), height in zip(PLACES, heights, strict=True):
        radius = np.hypot(y - cy, x - cx)
        maps[0] += np.exp(-((radius / 1.5) ** 2) / 2) * 0.9
        inside = np.clip((9 - radius) / 3, 0, 1)
        maps[3] += height * inside
        near = radius < 12
        maps[1][near], maps[2][near] = ((c - i)[near] * STRIDE / DIAMETER for c, i in ((cy, y), (cx, x)))
    return Layout(
        maps, np.full((1, 40, 80), 255, np.uint8), np.array([2.0]), 1.0, (80, 160), (80, 160), np.zeros((1, 1, 8))
    )


def found(heights: tuple[float, float], foreground: float) -> tuple[Objects, np.ndarray]:
    seen = layout(heights)
    objects = find_objects(seen, Thresholds((0.3,), (foreground,)), DIAMETER)
    return objects, boxes_of(objects, seen)


def test_a_faint_cell_is_as_large_as_a_bright_one() -> None:
    objects, boxes = found((1.0, 0.6), 0.5)
    assert len(objects) == 2
    np.testing.assert_allclose(objects.extent, [0.5, 0.3], atol=0.01)
    sides = boxes[:, 2:] - boxes[:, :2]
    np.testing.assert_allclose(sides[0], sides[1], atol=1)


def test_the_threshold_holds_for_bright_cells() -> None:
    small, large = (found((1.0, 1.0), t)[0] for t in (0.45, 0.2))
    assert (small.diameters < large.diameters).all()
    np.testing.assert_allclose(small.extent, 0.45)


def test_what_does_not_reach_the_threshold_stays_out() -> None:
    objects, _ = found((1.0, 0.4), 0.5)
    assert len(objects) == 1
    np.testing.assert_allclose(objects.centres, PLACES[:1] * STRIDE + 0.5, atol=0.1)


def test_labels_at_full_resolution_have_the_objects_extent() -> None:
    seen = layout((1.0, 0.6))
    objects = find_objects(seen, Thresholds((0.3,), (0.5,)), DIAMETER)
    areas = np.bincount(full_labels(objects, seen).ravel())[1:]
    np.testing.assert_allclose(2 * np.sqrt(areas / np.pi), objects.diameters, rtol=0.06)
