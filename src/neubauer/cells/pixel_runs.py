"""Label images as runs: stretches of one row with the same label.

Areas, centroids, moments, boxes and convex hulls follow from the runs alone. There are some thirty times fewer of
them than pixels, so that measuring 50,000 cells in a 10,000 x 10,000 image takes seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_BAND = 1 << 22  # pixels looked at together: bounds the memory


@dataclass(frozen=True)
class Runs:
    """Runs of non-zero labels, ordered by row, then by column; arrays of int64 of the same length."""

    label: np.ndarray
    row: np.ndarray
    start: np.ndarray
    length: np.ndarray


def bands(shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Ranges of rows `(y0, y1)` that cover an image of this shape, about 4 million pixels each."""
    height = max(1, _BAND // max(1, shape[1]))
    return [(y0, min(y0 + height, shape[0])) for y0 in range(0, shape[0], height)]


def find_runs(labels: np.ndarray) -> Runs:
    """Find the runs of a (Y, X) label image."""
    found: list[tuple[np.ndarray, ...]] = []
    for y0, y1 in bands(labels.shape):
        band = labels[y0:y1]
        starts = np.ones(band.shape, bool)
        np.not_equal(band[:, 1:], band[:, :-1], out=starts[:, 1:])
        flat = np.flatnonzero(starts)
        length = np.diff(flat, append=band.size)
        label = band.ravel()[flat].astype(np.int64)
        keep = label != 0
        row, start = np.divmod(flat[keep], band.shape[1])
        found.append((label[keep], row + y0, start, length[keep]))
    empty = np.zeros(0, np.int64)
    return Runs(*(np.concatenate(parts) for parts in zip(*found, strict=True))) if found else Runs(*[empty] * 4)
