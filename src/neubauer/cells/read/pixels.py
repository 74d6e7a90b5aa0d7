"""Annotations that are images (label images, dot images, ignore regions) as arrays."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from neubauer.errors import InputError

LOSSLESS = (".png", ".tif", ".tiff", ".npy", ".bmp", ".gif")
LOSSY = (".jpg", ".jpeg")


def read_pixels(path: Path, expected: str) -> np.ndarray:
    """Read an annotation image just as it is stored.

    Parameters
    ----------
    path : PNG, TIFF, BMP, GIF or NumPy file.
    expected : what the caller needs, for the error message.

    Returns
    -------
    (Y, X) or (Y, X, channels) array; of an image with a palette the indices, as they are the labels.

    Raises
    ------
    InputError : the file is missing, empty, damaged, of another format, or a JPEG (whose compression changes values).
    """
    suffix = path.suffix.lower()
    if suffix in LOSSY:
        raise InputError(path, "a JPEG, whose compression changes pixel values", f"{expected} as PNG or TIFF")
    if suffix not in LOSSLESS:
        raise InputError(path, f"a file of type {suffix or '(none)'}", f"{expected} as one of {', '.join(LOSSLESS)}")
    if not path.is_file():
        raise InputError(path, "no such file", expected)
    if path.stat().st_size == 0:
        raise InputError(path, "an empty file", expected)
    try:
        if suffix == ".npy":
            array = np.load(path, allow_pickle=False)
        elif suffix in (".tif", ".tiff"):
            array = tifffile.imread(path)
        else:
            with warnings.catch_warnings(), Image.open(path) as image:
                warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # a large slide, not an attack
                array = np.array(image)
    except Exception as error:  # each decoder has its own exceptions; all mean that the file cannot be read
        hint = " (save the masks as TIFF or PNG)" if suffix == ".npy" and "pickle" in str(error) else ""
        raise InputError(path, f"a file that cannot be read: {error}", expected + hint) from error
    if array.ndim > 2:  # a channel axis of length 1, in front or behind, says nothing
        array = np.squeeze(array)
    if array.dtype.kind not in "buif":
        raise InputError(path, f"values of type {array.dtype}", expected)
    if array.ndim not in (2, 3) or array.size == 0:
        raise InputError(path, f"an array of shape {array.shape}", f"{expected} of shape (Y, X)")
    return array


def check_shape(path: Path, found: tuple[int, ...], shape: tuple[int, int] | None) -> tuple[int, int]:
    """Return `found` as (Y, X), or raise `InputError` if it is not the `shape` of the image."""
    if shape is not None and found != tuple(shape):
        raise InputError(path, f"{found[0]} x {found[1]} pixels (Y x X)", f"{shape[0]} x {shape[1]} as the image has")
    return found[0], found[1]


def read_ignore(path: Path, shape: tuple[int, int] | None) -> np.ndarray:
    """Read an ignore region: (Y, X) bool, True where the image is not annotated (any non-zero pixel)."""
    pixels = read_pixels(path, "an ignore region, non-zero where nothing is known,")
    if pixels.ndim == 3:
        # of a picture with transparency only the colours count, as an opaque black pixel is not ignored
        pixels = pixels[..., : 3 if pixels.shape[2] in (3, 4) else 1].max(axis=2)
    check_shape(path, pixels.shape, shape)
    return pixels != 0
