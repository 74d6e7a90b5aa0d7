"""Single values of annotation files: numbers, sizes, and how to show them in messages."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neubauer.errors import InputError

_LARGEST = 2**31
"""Pixels along a side. No image has more; only a broken file does."""


def finite(value: object) -> float | None:
    """A number as a file has it, in digits or as a value of JSON; None for all else."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def numbers(path: Path, where: str, values: Sequence[tuple[str, object]]) -> list[float]:
    """Named values as finite numbers.

    Raises
    ------
    InputError : one is none; it is named.
    """
    found = []
    for name, value in values:
        number = finite(value)
        if number is None:
            raise InputError(path, f"{name} {shown(value)} in {where}", f"a number as {name}")
        found.append(number)
    return found


def points(path: Path, where: str, values: object, least: int) -> np.ndarray:
    """A list of pairs `[x, y]` (further values are left out, as the height in GeoJSON) as (N, 2) float64 `y, x`.

    Raises
    ------
    InputError : it is no such list, or one of fewer than `least` pairs.
    """
    try:
        array = np.array(values, np.float64)
        if array.ndim == 2 and len(array) >= least and array.shape[1] > 1 and np.isfinite(array).all():
            return array[:, 1::-1]
    except (TypeError, ValueError, OverflowError):
        pass  # which value it is, is looked for one by one
    pairs = values if isinstance(values, list | tuple) else ()
    whole = [[finite(v) for v in pair[:2]] for pair in pairs if isinstance(pair, list | tuple) and len(pair) > 1]
    if len(pairs) < least or len(whole) < len(pairs) or any(None in pair for pair in whole):
        raise InputError(path, f"the points {shown(values)} in {where}", f"{least} or more points x, y")
    return np.array(whole, np.float64).reshape(-1, 2)[:, ::-1]


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
