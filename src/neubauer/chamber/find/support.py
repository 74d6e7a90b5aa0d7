"""How well a projection explains the lines in view."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from neubauer.chamber.find.field import Field
from neubauer.chamber.find.fit import nearest, visible_lines
from neubauer.chamber.find.ridges import Ridges
from neubauer.chamber.projection import Projection
from neubauer.chamber.rulings import Ruling

NEAR = 2.0
"""A line is seen where a point of a ridge lies so near, pixels of the image with the ridges."""
STEP = 0.02
"""Between points on lines, mm."""


def support(projection: Projection, ridges: Ridges, family: np.ndarray, field: Field, ruling: Ruling) -> float:
    """Agreement, 0 to 1: the harmonic mean of what is seen of the lines that should be in view, and of what the ruling
    explains of the ridges within its outline; lines far apart and close together weigh the same for the former."""
    lines = visible_lines(ruling, projection, ridges.step)
    seen, explained = [], []
    for axis in (0, 1):
        own = family == axis
        if own.sum() < 20:
            return 0.0
        tree = cKDTree(ridges.points[own] / ridges.step)
        along = np.arange(0, ruling.size[1 - axis] + STEP / 2, STEP)
        grid = np.stack(np.meshgrid(lines[axis], along, indexing="ij"), -1).reshape(-1, 2)
        mm = grid if axis == 0 else grid[:, ::-1]
        pixels = projection.to_pixels(mm)
        back = np.abs(projection.to_mm(pixels) - mm).max(1) < 1e-3  # beyond that the distortion folds over
        there = back & field.inside(pixels)
        if there.sum() < 20:
            return 0.0
        near = tree.query(pixels[there] / ridges.step)[0] < NEAR
        number = np.repeat(np.arange(len(lines[axis])), len(along))[there]
        visible = np.bincount(number, minlength=len(lines[axis]))
        hit = np.bincount(number, near, len(lines[axis]))
        share = hit[visible >= 5] / visible[visible >= 5]
        seen.append(float(np.clip(share, 0, 0.8).mean() / 0.8))
        at = projection.to_mm(ridges.points[own])
        inner = ((at > -0.01) & (at < np.array(ruling.size) + 0.01)).all(1)
        off = np.abs(at[:, axis] - nearest(at[:, axis], lines[axis]))
        tolerance = (
            NEAR
            * ridges.step
            / projection.px_per_mm(np.clip(projection.to_mm(projection.centre[None])[0], 0, ruling.size))
        )
        weight = ridges.strengths[own] * inner
        explained.append(float(weight[off < tolerance].sum() / max(weight.sum(), 1e-9)))
    a, b = float(np.mean(seen)), float(np.mean(explained))
    return 2 * a * b / max(a + b, 1e-9)
