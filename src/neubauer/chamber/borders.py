"""The rule of two borders: cells on the upper and left border count, those on the lower and right do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neubauer.chamber.rulings import Square

OUTSIDE, BORDER = -1, -2
"""Not in any complete square; on the lower or right border of one, and of no other."""


def squares_of(boxes: np.ndarray, squares: Sequence[Square]) -> np.ndarray:
    """Which square each cell is counted in.

    A cell that touches the upper or left border of a square and not the lower or right one has the lower right corner
    of its bounding box in that square, and only such cells and those within do. So every cell of a plane that is
    covered with squares is counted in exactly one of them (Gundersen, J. Microsc. 111:219, 1977, on edge effects).

    Parameters
    ----------
    boxes : (N, 4) x0, y0, x1, y1 of the cells, in mm of the ruling.
    squares : the complete ones.

    Returns
    -------
    (N,) index of the square, `OUTSIDE` or `BORDER`.
    """
    found = np.full(len(boxes), OUTSIDE)
    for square in squares:
        x0, y0, x1, y1 = square.box
        touches = (boxes[:, 0] < x1) & (boxes[:, 2] >= x0) & (boxes[:, 1] < y1) & (boxes[:, 3] >= y0)
        found[touches] = BORDER
    for i, square in enumerate(squares):
        x0, y0, x1, y1 = square.box
        found[(boxes[:, 2] >= x0) & (boxes[:, 2] < x1) & (boxes[:, 3] >= y0) & (boxes[:, 3] < y1)] = i
    return found
