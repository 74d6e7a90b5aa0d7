"""Outlines of cells as polygons."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from skimage.measure import find_contours

from neubauer.cells.table import Cells


@dataclass(frozen=True)
class Outline:
    """Where one cell is: rings around its pieces, its box, or its centre, whatever is the most that is known.

    Attributes
    ----------
    kind : "polygon", "box" or "point".
    rings : closed rings `(K, 2)` of `y, x`, the first point repeated at the end; of a point one ring of one point.
    row : the row of the cell in its table, by column.
    """

    kind: Literal["polygon", "box", "point"]
    rings: list[np.ndarray]
    row: dict[str, Any]


def rings_of(mask: np.ndarray) -> list[np.ndarray]:
    """Outer rings of the pieces of a mask, holes filled.

    The rings are the iso-line 1/2 between pixel centres (marching squares, `skimage.measure.find_contours`), without
    the points within straight stretches. They run through the middles of pixel sides and contain the centres of just
    those pixels that are set or in a hole.

    Parameters
    ----------
    mask : (Y, X) bool.

    Returns
    -------
    Closed rings (K, 2) of `y, x` in corner coordinates: pixel (i, j) covers i ... i+1, j ... j+1.
    """
    rings = []
    for contour in find_contours(np.pad(mask, 1).astype(np.float64), 0.5, fully_connected="high"):
        y, x = contour[:-1, 0], contour[:-1, 1]
        if y @ np.roll(x, -1) - x @ np.roll(y, -1) > 0:  # the other way round: a hole
            continue
        before, after = (
            contour[:-1] - np.roll(contour[:-1], 1, axis=0),
            np.roll(contour[:-1], -1, axis=0) - contour[:-1],
        )
        corners = contour[:-1][before[:, 0] * after[:, 1] != before[:, 1] * after[:, 0]]
        rings.append(np.concatenate([corners, corners[:1]]) - 0.5)  # - 1 for the padding, + 1/2 to the corner
    return rings


def outlines(cells: Cells) -> Iterator[Outline]:
    """The outline of each cell in the order of the table, in corner coordinates (pixel (0, 0) covers 0 ... 1)."""
    table = cells.table
    boxes = [f"bbox-{i}" for i in range(4)]
    has_boxes = set(boxes) <= set(table.columns)
    for row in table.to_dict("records"):
        y0, x0, y1, x1 = (float(row[c]) for c in boxes) if has_boxes else (0.0,) * 4
        if cells.labels is not None and has_boxes:
            top, left = max(int(y0), 0), max(int(x0), 0)
            corner = np.array((top, left))
            mask = cells.labels[top : int(np.ceil(y1)), left : int(np.ceil(x1))] == row["label"]
            if mask.any():
                yield Outline("polygon", [ring + corner for ring in rings_of(mask)], row)
                continue
        if y1 > y0 and x1 > x0:
            yield Outline("box", [np.array([(y0, x0), (y0, x1), (y1, x1), (y1, x0), (y0, x0)])], row)
        else:
            yield Outline("point", [np.array([(row["centroid-0"] + 0.5, row["centroid-1"] + 0.5)])], row)
