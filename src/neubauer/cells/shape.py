"""Shape measures of all labels at once, with the definitions of scikit-image's `regionprops`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neubauer.cells.pixel_runs import Runs, bands


@dataclass(frozen=True)
class Moments:
    """Area, centroid (`y`, `x`) and central second moments divided by the area, each (N,) float64, in pixels."""

    area: np.ndarray
    y: np.ndarray
    x: np.ndarray
    yy: np.ndarray
    xx: np.ndarray
    yx: np.ndarray

    def eigenvalues(self) -> tuple[np.ndarray, np.ndarray]:
        """Smaller and larger eigenvalue of the covariance of the pixels, which are those of the inertia tensor."""
        mean = (self.yy + self.xx) / 2
        radius = np.hypot((self.yy - self.xx) / 2, self.yx)
        return np.maximum(mean - radius, 0), np.maximum(mean + radius, 0)


def bounding_boxes(runs: Runs, index: np.ndarray, n: int) -> np.ndarray:
    """Bounding boxes of `n` cells, of which `index` tells each run's: (n, 4) int64 `y0, x0, y1, x1`, half-open."""
    if n == 0:
        return np.zeros((0, 4), np.int64)
    order = np.argsort(index, kind="stable")
    first = np.searchsorted(index[order], np.arange(n))
    low, high = np.minimum.reduceat, np.maximum.reduceat
    row, start, end = runs.row[order], runs.start[order], (runs.start + runs.length)[order]
    return np.stack([low(row, first), low(start, first), high(row, first) + 1, high(end, first)], axis=1)


def moments(runs: Runs, index: np.ndarray, n: int, box: np.ndarray) -> Moments:
    """Moments of `n` cells from their runs, by the sums of the integers and of their squares from `a` to `b`."""
    y = (runs.row - box[index, 0]).astype(np.float64)  # from the corner of the box: small numbers stay exact
    a = (runs.start - box[index, 1]).astype(np.float64)
    length = runs.length.astype(np.float64)
    b = a + length - 1
    sum_x = length * (a + b) / 2
    sum_xx = (b * (b + 1) * (2 * b + 1) - (a - 1) * a * (2 * a - 1)) / 6

    def total(weights: np.ndarray) -> np.ndarray:
        return np.bincount(index, weights, n).astype(np.float64)  # of no cells NumPy makes integers

    area = total(length)
    my, mx = total(y * length) / area, total(sum_x) / area
    return Moments(
        area=area,
        y=my + box[:, 0],
        x=mx + box[:, 1],
        yy=total(y * y * length) / area - my * my,
        xx=total(sum_xx) / area - mx * mx,
        yx=total(y * sum_x) / area - my * mx,
    )


def hull_areas(runs: Runs, index: np.ndarray, n: int, box: np.ndarray) -> np.ndarray:
    """Pixels in the convex hull of each of `n` cells, as `skimage.morphology.convex_hull_image` counts them.

    A pixel contributes the middles of its four sides to the hull. The left-most and right-most of these points in each
    half row bound the cell; what is left of a bound after its non-convex points are removed is the hull.
    """
    if n == 0:
        return np.zeros(0)
    height = 2 * (box[:, 2] - box[:, 0]) + 1  # half rows from y0 - 1/2 to y1 - 1/2
    offset = np.cumsum(height) - height  # all cells one after the other on one long axis of half rows
    size = int(height.sum())
    where = offset[index] + 2 * (runs.row - box[index, 0]) + 1
    left, right = runs.start.astype(np.float64), (runs.start + runs.length - 1).astype(np.float64)
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    for shift, extra in ((-1, 0.0), (0, 0.5), (1, 0.0)):
        np.minimum.at(low, where + shift, left - extra)
        np.maximum.at(high, where + shift, right + extra)

    owner = np.repeat(np.arange(n), height)
    low, high = _convex(low, owner), -_convex(-high, owner)
    whole = (np.arange(size) - offset[owner]) % 2 == 1  # rows of pixels, not between two
    tolerance = 1e-9
    count = np.floor(high[whole] + tolerance) - np.ceil(low[whole] - tolerance) + 1
    return np.bincount(owner[whole], count, n)


def _convex(bound: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """The greatest convex function below the points `bound` of each owner (infinite where there is none).

    A point on or above the line between its neighbours is no corner of the hull, whichever of the neighbours are
    removed with it; so all such points go at once, until none is left.
    """
    at = np.flatnonzero(np.isfinite(bound))
    while True:
        y, x, who = at.astype(np.float64), bound[at], owner[at]
        inner = np.zeros(len(at), bool)
        chord = (x[2:] - x[:-2]) * (y[1:-1] - y[:-2]) - (x[1:-1] - x[:-2]) * (y[2:] - y[:-2])
        inner[1:-1] = (chord <= 0) & (who[:-2] == who[2:])
        if not inner.any():
            return np.interp(np.arange(len(bound)), at, bound[at])
        at = at[~inner]


def perimeters(labels: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Perimeter of each of the cells `ids` (ascending) as `skimage.measure.perimeter` has it, with 4 neighbours.

    Border pixels are weighted by how many of their neighbours are border pixels too (Benkrid & Crookes, "Design and
    FPGA implementation of a perimeter estimator", 2000).
    """
    weights = np.zeros(50)
    weights[[5, 7, 15, 17, 25, 27]] = 1
    weights[[21, 33]] = np.sqrt(2)
    weights[[13, 23]] = (1 + np.sqrt(2)) / 2
    total = np.zeros(len(ids))
    for y0, y1 in bands(labels.shape):
        # two rows more on each side: whether a neighbour is border depends on its own neighbours
        top, bottom = max(y0 - 2, 0), min(y1 + 2, len(labels))
        padded = np.pad(labels[top:bottom], 2)
        core = padded[1:-1, 1:-1]
        border = np.zeros(padded.shape, bool)
        border[1:-1, 1:-1] = (core != 0) & (
            (core != padded[:-2, 1:-1])
            | (core != padded[2:, 1:-1])
            | (core != padded[1:-1, :-2])
            | (core != padded[1:-1, 2:])
        )
        rows = slice(y0 - top + 2, y1 - top + 2)
        y, x = np.nonzero(border[rows])
        y += rows.start
        own = padded[y, x]
        code = np.ones(len(y), np.int64)
        for dy in (-1, 0, 1):
            for dx in (-1, 0, 1):
                if dy or dx:
                    same = border[y + dy, x + dx] & (padded[y + dy, x + dx] == own)
                    code += same * (10 if dy and dx else 2)
        total += np.bincount(np.searchsorted(ids, own), weights[code], len(ids))
    return total
