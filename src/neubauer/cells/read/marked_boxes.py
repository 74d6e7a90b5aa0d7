"""What the readers of boxes have in common."""

from __future__ import annotations

import math
import reprlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neubauer.errors import InputError

_LARGEST = 2**31
"""Pixels along a side. No image has more; only a broken file does."""


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


def finite(value: object) -> float | None:
    """A number as a file has it, in digits or as a value of JSON; None for all else."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def image_size(path: Path, height: object, width: object) -> tuple[int, int] | None:
    """The (Y, X) that a file tells, or None where a side is missing or zero, as some programs write it.

    Raises
    ------
    InputError : a side is no whole number of pixels.
    """
    sides: list[int] = []
    for name, value in (("height", height), ("width", width)):
        side = finite(value or 0)
        if side is None or not side.is_integer() or not 0 <= side < _LARGEST:
            raise InputError(path, f"the {name} {shown(value)} of the image", "a whole number of pixels")
        sides.append(int(side))
    return (sides[0], sides[1]) if all(sides) else None


def shown(value: object) -> str:
    """A value of a file for an error message: in one line, and shortened."""
    return "null" if value is None else reprlib.repr(value)
