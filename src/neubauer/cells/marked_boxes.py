"""What the readers of boxes have in common."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class MarkedBoxes:
    """The boxes of one image as a file has them, in corner coordinates: pixel (i, j) covers i ... i+1, j ... j+1.

    Attributes
    ----------
    names : class of each box.
    boxes : (N, 4) float64 `y0, x0, y1, x1`, in pixels.
    size : (Y, X) of the image if the file tells it.
    ignore : (M, 4) float64, regions that are not annotated cell by cell.
    """

    names: list[str]
    boxes: np.ndarray
    size: tuple[int, int] | None = None
    ignore: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
