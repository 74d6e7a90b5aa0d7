"""Which points of a grid lie in a region?"""

from __future__ import annotations

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry


def mask_of(area: BaseGeometry, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """(Y, X) bool: the points of a grid that lie in polygons, by the even-odd rule, row by row (scan lines).

    Parameters
    ----------
    area : valid polygons; holes are left out.
    y, x : (Y,) and (X,) ascending positions of rows and columns, in the units of the polygons.
    """
    flips = np.zeros((len(y), len(x) + 1), np.uint8)
    for ring in shapely.get_rings(shapely.get_parts(area)):
        points = shapely.get_coordinates(ring)
        one, other = points[:-1], points[1:]
        low, high = (np.where((one[:, 1] < other[:, 1])[:, None], *ends) for ends in ((one, other), (other, one)))
        first, last = np.searchsorted(y, low[:, 1]), np.searchsorted(y, high[:, 1])
        count = last - first
        edge = np.repeat(np.arange(len(count)), count)
        row = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + np.repeat(first, count)
        rise = (y[row] - low[edge, 1]) / (high[edge, 1] - low[edge, 1])
        crossing = low[edge, 0] + rise * (high[edge, 0] - low[edge, 0])
        np.add.at(flips, (row, np.searchsorted(x, crossing)), 1)
    return (np.cumsum(flips[:, :-1], axis=1, dtype=np.uint8) & 1).astype(bool)
