"""Pixels that are no numbers (NaN or infinite), as registered, stitched and masked images have them."""

from __future__ import annotations

import numpy as np

from neubauer.errors import InputError
from neubauer.images.bands import bands
from neubauer.images.source import ImageSource

FEW = 0.001
"""Share of missing pixels up to which an image is trained on: dead pixels, with the usual value in their place."""


def count_missing(source: ImageSource) -> int:
    """Number of pixels that are missing in at least one channel; read in bands, and only if there can be any."""
    if not source.can_miss:
        return 0
    width = source.shape[2]
    return sum(int(source.missing(y0, y1, 0, width).sum()) for y0, y1 in bands(source.shape, source.dtype.itemsize))


def missing_share(source: ImageSource) -> float:
    """Share of the pixels that are missing in at least one channel."""
    return count_missing(source) / (source.shape[1] * source.shape[2])


def refuse_missing(source: ImageSource, most: float = FEW, what: str = "images to learn from") -> ImageSource:
    """The image, if at most this share of it is missing.

    Raises
    ------
    InputError : more is.
    """
    share = missing_share(source)
    if share > most:
        expected = f"{what} with at most {percent(most)} missing (`neubauer inpaint` fills it in, or cut it off)"
        raise InputError(source.path, f"an image of which {percent(share)} is missing (not a number)", expected)
    return source


def percent(share: float) -> str:
    """A share in words, such as "20.0 %"; at least 0.1 unless it is 0."""
    return f"{max(100 * share, 0.1 if share else 0):.1f} %"


def masked_where(pixels: np.ndarray, missing: np.ndarray) -> np.ndarray:
    """What an `ImageSource` reads: pixels (C, Y, X), missing where one of `missing` (any number, Y, X) bool is."""
    lost = missing.any(0, keepdims=True)
    return np.ma.MaskedArray(pixels, np.repeat(lost, len(pixels), 0)) if lost.any() else pixels
