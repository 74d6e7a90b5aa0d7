"""Instance masks in: label images and binary masks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from skimage.measure import label as connected_components

from neubauer.cells.annotation import Annotation
from neubauer.cells.convert import labels_to_points
from neubauer.cells.read.pixels import check_shape, read_pixels
from neubauer.errors import InputError

_EXPECTED = "a label image (0 background, one whole number per cell)"


def read_masks(
    path: str | Path,
    shape: tuple[int, int] | None = None,
    ignore_value: int | None = None,
    classes: tuple[str, ...] | None = None,
) -> Annotation:
    """Read a label image or a binary mask.

    An image with only two values, 0 and v, in which the non-zero pixels fall into several connected components
    (8-neighbourhood) is taken as a binary mask: each component is a cell. In all other images each value is one cell,
    even if it is in pieces. Labels may have gaps; they are renumbered 1 ... N in ascending order.

    Parameters
    ----------
    path : PNG, TIFF, BMP, GIF or NumPy file of 1, 8, 16 or 32 bits; whole numbers stored as floats are accepted.
    shape : (Y, X) of the image, checked if given.
    ignore_value : pixels of this value are not annotated; they become the ignore region.
    classes : the classes of the data set. Masks carry none, so that a cell's class is known only if there is one.

    Raises
    ------
    InputError : the file cannot be read, is a colour picture, has another shape than the image, or holds negative
        or broken numbers.
    """
    path = Path(path)
    pixels = read_pixels(path, _EXPECTED)
    if pixels.ndim == 3:
        colours = pixels[..., :3] if pixels.shape[2] in (3, 4) else pixels
        if pixels.shape[2] not in (2, 3, 4) or np.ptp(colours, axis=2).any():
            raise InputError(path, f"a colour image or a stack, of shape {pixels.shape}", _EXPECTED)
        pixels = pixels[..., 0]
    check_shape(path, pixels.shape, shape)
    if pixels.dtype.kind == "f" and not (np.isfinite(pixels).all() and (pixels == np.rint(pixels)).all()):
        raise InputError(path, "numbers that are not whole", _EXPECTED)

    ignore = None
    if ignore_value is not None:
        ignore = pixels == ignore_value
        pixels = np.where(ignore, np.zeros((), pixels.dtype), pixels)
    if pixels.min() < 0:
        raise InputError(path, f"the negative value {pixels.min()}", _EXPECTED)

    labels = _renumber(pixels)
    if labels.max() == 1:
        labels = connected_components(labels).astype(np.int32)
    n = int(labels.max())
    classes = ("cell",) if classes is None else tuple(classes)
    return Annotation(
        kind="masks",
        shape=(labels.shape[0], labels.shape[1]),
        classes=classes,
        class_index=np.full(n, 0 if len(classes) == 1 else -1, np.int64),
        centres=labels_to_points(labels),
        labels=labels,
        ignore=ignore,
    )


def _renumber(pixels: np.ndarray) -> np.ndarray:
    """Labels 1 ... N in the order of the values found, as int32."""
    values = np.sort(pd.unique(pixels.ravel()))  # hashing: np.unique would sort every pixel
    values = values[values != 0]
    if len(values) and values[-1] == len(values):
        return pixels.astype(np.int32)
    return np.where(pixels == 0, 0, np.searchsorted(values, pixels) + 1).astype(np.int32)
