"""What the numbers in a TIFF page stand for: which are bright, and which belong to one pixel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import tifffile

WHITE_IS_ZERO = 0
"""Value of the tag PhotometricInterpretation."""
MOST_SAMPLES = 4
"""Pictures no wider than this are no pictures but the channels of a row of pixels."""
UNNAMED = "QI"
"""Axes of which a file does not say what they are."""


def as_shown(page: tifffile.TiffPage) -> Callable[[np.ndarray], np.ndarray] | None:
    """How stored values become those that viewers show: turned round where the tag says that 0 is white, else None.

    Unsigned integers are taken from the largest of their bits (255 - v, for 12 bits 4095 - v), floats from 1; signed
    integers and single bits are complemented. Source: TIFF 6.0, section 8, PhotometricInterpretation.
    """
    if page.photometric != WHITE_IS_ZERO:
        return None
    bits = int(page.bitspersample)

    def turned(pixels: np.ndarray) -> np.ndarray:
        if pixels.dtype.kind == "u":
            return pixels.dtype.type(2**bits - 1) - pixels
        return ~pixels if pixels.dtype.kind in "ib" else pixels.dtype.type(1) - pixels

    return turned


def rows_of_samples(series: tifffile.TiffPageSeries) -> int:
    """Number of rows of an image whose channels come last (Y, X, C) and that was written as if it were a stack.

    Such a file has as many pages as the image has rows, each as wide as there are channels. They are taken for an image
    where its axes are named so, or not named and the pages are 2 to 4 pixels wide. 0 where the pages are pictures of
    their own.
    """
    axes, shape = series.get_axes(squeeze=False), series.get_shape(squeeze=False)
    if series.kind not in ("shaped", "generic", "uniform") or len(shape) < 3:
        return 0
    rows, columns, samples = (int(n) for n in shape[-3:])
    if axes[-3:] in ("YXS", "YXC"):
        return rows if series.keyframe.shaped[2:] == (columns, samples, 1) else 0
    unnamed = axes[-2:] == "YX" and axes[-3] in UNNAMED
    return rows if unnamed and 1 < samples <= MOST_SAMPLES < min(rows, columns) else 0
