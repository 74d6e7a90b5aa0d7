"""From label images to the other kinds of marks."""

from __future__ import annotations

import numpy as np

from neubauer.cells.runs import find_runs


def labels_to_points(labels: np.ndarray) -> np.ndarray:
    """Centroids of the labels 1 ... N of a (Y, X) label image: (N, 2) float64 `y, x`, NaN for a label that is absent."""
    runs = find_runs(labels)
    n = int(runs.label.max(initial=0))
    index = runs.label - 1
    area = np.bincount(index, runs.length, n)
    with np.errstate(invalid="ignore"):
        return np.stack(
            [np.bincount(index, w * runs.length, n) / area for w in (runs.row, runs.start + (runs.length - 1) / 2)],
            axis=1,
        )


def labels_to_boxes(labels: np.ndarray) -> np.ndarray:
    """Bounding boxes of the labels 1 ... N of a (Y, X) label image: (N, 4) float64 `y0, x0, y1, x1`, half-open.

    The box of a label that is absent is all zero.
    """
    runs = find_runs(labels)
    boxes = np.zeros((int(runs.label.max(initial=0)), 4))
    if len(boxes):
        order = np.argsort(runs.label, kind="stable")  # rows ascend within a label
        label, row, start, end = (a[order] for a in (runs.label, runs.row, runs.start, runs.start + runs.length))
        first = np.flatnonzero(np.diff(label, prepend=0))
        last = np.append(first[1:], len(label)) - 1
        boxes[label[first] - 1] = np.stack(
            [row[first], np.minimum.reduceat(start, first), row[last] + 1, np.maximum.reduceat(end, first)], axis=1
        )
    return boxes
