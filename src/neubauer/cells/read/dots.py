"""Dot images in: a pixel per cell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from neubauer.cells.annotation import Annotation
from neubauer.cells.read.class_names import index_classes
from neubauer.cells.read.pixels import check_shape, read_pixels
from neubauer.errors import InputError

_EXPECTED = "a dot image (0 everywhere, and one other value in one pixel per cell; in colour, red 255)"
_MOST_SET = 0.1  # a picture in which more of the pixels are set does not mark cells by dots


def read_dots(
    path: str | Path, shape: tuple[int, int] | None = None, classes: tuple[str, ...] | None = None
) -> Annotation:
    """Read a dot image, in which each set pixel is a cell, touching ones too.

    Set means: not zero (1 bit and grey, where only one value other than zero may occur), or 255 in red (colour, as in
    the VGG cells).

    Parameters
    ----------
    path : PNG, TIFF, BMP, GIF or NumPy file.
    shape : (Y, X) of the image, checked if given.
    classes : the classes of the data set; a dot image says none, so that a cell's class is known only if there is one.

    Raises
    ------
    InputError : the file cannot be read, has another shape than the image, or is no dot image.
    """
    path = Path(path)
    dots = _dots(path)
    shape = check_shape(path, dots.shape, shape)
    class_index, classes = index_classes(path, [""] * int(dots.sum()), classes)
    return Annotation("points", shape, classes, class_index, np.argwhere(dots).astype(np.float64))


def _dots(path: Path) -> np.ndarray:
    pixels = read_pixels(path, _EXPECTED)
    if pixels.ndim == 3:
        if pixels.shape[2] not in (3, 4):
            raise InputError(path, f"an image of shape {pixels.shape}", _EXPECTED)
        dots = pixels[..., 0] == 255
    else:
        values = pd.unique(pixels.ravel())
        if np.count_nonzero(values) > 1 or np.isnan(values.astype(np.float64)).any():
            raise InputError(path, f"{np.count_nonzero(values)} different values other than 0", _EXPECTED)
        dots = pixels != 0
    if dots.mean() > _MOST_SET:
        raise InputError(path, f"a picture with {dots.mean():.0%} of its pixels set", _EXPECTED)
    return dots
