"""What a person has drawn in one image, as a file has it, before it becomes masks, boxes or points."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

_CORNERS = 360
"""Of the polygon that stands for an ellipse: it is off by less than 1/25 pixel up to a radius of 1000."""


@dataclass(frozen=True)
class Shape:
    """One cell as it is drawn, in corner coordinates `y, x`: pixel (i, j) covers i ... i+1, j ... j+1.

    Attributes
    ----------
    where : which entry of the file it is, for messages: `object 3`.
    name : its class, "" where it has none.
    kind : how much is known: the outline, the box around it, or one point.
    rings : (K, 2) float64 polygons, closed or not; inside is what an odd number of turns encloses, so that a second
        ring may be a hole or another piece. Of a box two opposite corners, of a point the point.
    pixels : (h, w) bool, of an outline that is given pixel by pixel, the first of them at the corner `rings[0][0]`.
    box : `y0, x0, y1, x1` where the file says it beside the outline.
    """

    where: str
    name: str
    kind: Literal["outline", "box", "point"]
    rings: tuple[np.ndarray, ...]
    pixels: np.ndarray | None = None
    box: tuple[float, float, float, float] | None = None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The box around it, as the file says it or else by its rings: `y0, x0, y1, x1`."""
        return self.extent if self.box is None else self.box

    @cached_property
    def extent(self) -> tuple[float, float, float, float]:
        """The box around its rings: `y0, x0, y1, x1`."""
        corners = self.rings[0] if len(self.rings) == 1 else np.concatenate(self.rings)
        (y0, x0), (y1, x1) = corners.min(0), corners.max(0)
        return float(y0), float(x0), float(y1), float(x1)


@dataclass(frozen=True)
class Drawn:
    """All that a file says of one image.

    Attributes
    ----------
    shapes : the cells.
    size : (Y, X) of the image if the file tells it.
    ignore : regions in which nothing is known.
    regions : if there are any, nothing is known outside of them.
    """

    shapes: list[Shape]
    size: tuple[int, int] | None = None
    ignore: list[Shape] = field(default_factory=list)
    regions: list[Shape] = field(default_factory=list)


def box(where: str, name: str, y0: float, x0: float, y1: float, x1: float) -> Shape:
    """An upright rectangle from two opposite corners, whichever they are."""
    return Shape(where, name, "box", (np.sort(np.array([[y0, x0], [y1, x1]], np.float64), axis=0),))


def point(where: str, name: str, y: float, x: float) -> Shape:
    """The place of a cell."""
    return Shape(where, name, "point", (np.array([[y, x]]),))


def polygon(where: str, name: str, *rings: np.ndarray) -> Shape:
    """An outline of one or several rings (K, 2) of `y, x`."""
    return Shape(where, name, "outline", rings)


def turned_box(
    where: str, name: str, corners: tuple[float, float, float, float], degrees: float, about: tuple[float, float]
) -> Shape:
    """A rectangle `y0, x0, y1, x1` turned clockwise about a point `y, x`: an outline, or a box if it is not turned."""
    y0, x0, y1, x1 = corners
    if degrees % 360 == 0:
        return box(where, name, *corners)
    ring = np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]]) - about
    return polygon(where, name, turned(ring, degrees) + about)


def ellipse(
    where: str, name: str, centre: tuple[float, float], radii: tuple[float, float], degrees: float = 0
) -> Shape:
    """An ellipse by its centre and radii, both `y, x`, turned clockwise about its centre: an outline."""
    angle = np.linspace(0, 2 * np.pi, _CORNERS, endpoint=False)
    ring = np.stack([radii[0] * np.sin(angle), radii[1] * np.cos(angle)], 1)
    return polygon(where, name, turned(ring, degrees) + centre)


def mask(where: str, name: str, corner: tuple[int, int], pixels: np.ndarray) -> Shape:
    """An outline given pixel by pixel: (h, w) bool, the first at `corner` `y, x`."""
    rows, columns = np.flatnonzero(pixels.any(1)), np.flatnonzero(pixels.any(0))
    if not len(rows):
        return Shape(where, name, "outline", (np.array([corner], np.float64),), pixels)
    pixels = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    y, x = corner[0] + int(rows[0]), corner[1] + int(columns[0])
    height, width = pixels.shape
    return Shape(where, name, "outline", (np.array([[y, x], [y + height, x + width]], np.float64),), pixels)


def turned(offsets: np.ndarray, degrees: float) -> np.ndarray:
    """(N, 2) offsets `y, x`, turned clockwise as one sees them (`y` points down)."""
    sin, cos = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    y, x = offsets.T
    return np.stack([x * sin + y * cos, x * cos - y * sin], 1)
