"""From label images to the other kinds of marks."""

from __future__ import annotations

import numpy as np
import pandas as pd

from neubauer.cells.annotation import Annotation
from neubauer.cells.pixel_runs import find_runs
from neubauer.cells.table import Cells


def labels_to_points(labels: np.ndarray) -> np.ndarray:
    """Centroids of the labels 1 ... N of a (Y, X) label image: (N, 2) float64 `y, x`; NaN for an absent label."""
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


def annotation_to_cells(annotation: Annotation, image: str) -> Cells:
    """The marks of a person as cells of probability 1, to draw, measure or write them like those of a model.

    Parameters
    ----------
    annotation : masks, boxes or points.
    image : name of the image for the table.

    Returns
    -------
    Cells whose table has `bbox-0` ... `bbox-3` and `area` for masks and boxes; a cell of unknown class has "".
    """
    n = len(annotation)
    table: dict[str, object] = {
        "image": [image] * n,
        "label": np.arange(1, n + 1),
        "class": [annotation.classes[i] if i >= 0 else "" for i in annotation.class_index],
        "probability": np.ones(n),
        "centroid-0": annotation.centres[:, 0],
        "centroid-1": annotation.centres[:, 1],
    }
    boxes = annotation.boxes
    if annotation.labels is not None:
        boxes = labels_to_boxes(annotation.labels)
        table["area"] = np.bincount(annotation.labels.ravel(), minlength=n + 1)[1:].astype(np.float64)
    elif boxes is not None:
        table["area"] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    if boxes is not None:
        table |= {f"bbox-{i}": boxes[:, i] for i in range(4)}
    return Cells(pd.DataFrame(table), annotation.classes, image, annotation.shape, annotation.labels)
