"""Open images of any supported format as `ImageSource`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neubauer.errors import InputError
from neubauer.images.readers.registry import reader_of
from neubauer.images.source import ImageSource
from neubauer.images.stack import PROJECTIONS, Project

__all__ = ["ImageSource", "from_array", "open_image"]


def open_image(path: str | Path, *, project: Project | None = None, frame: int | None = None) -> ImageSource:
    """Open one 2-D image of any number of channels; what the file holds decides, not its suffix.

    - TIFF (BigTIFF, OME-TIFF, ImageJ, pyramids at full resolution) is read by region, whatever its size. Axes, pixel
      size and channel names come from the OME or ImageJ metadata; resolution tags are believed where they are
      finer than 20 µm per pixel (coarser ones are printing defaults). Where the tag PhotometricInterpretation says that
      0 is white, values are turned round, as every viewer does; else they are taken as stored: lookup tables of
      microscope software and the orientation tag are not applied. Channels may lie before or behind Y and X; in files
      without named axes a last axis of 2 to 4 is that of the channels.
    - PNG, JPEG, BMP and WebP are decoded whole and have no pixel size. A camera's EXIF orientation is applied, so that
      the image lies as every viewer shows it. Palettes become RGB, 1-bit images 0 and 255.
    - CZI, ND2 and LIF need `pip install 'neubauer[bioio]'`.

    Opacity (alpha) is dropped and the colours are taken as stored: what would lie behind them is not known.

    NaN and infinite pixels are missing: see `ImageSource`.

    Parameters
    ----------
    path : the file.
    project : how a stack (Z, T, or pages without a meaning) becomes one image: per pixel the `"max"`, `"mean"`, `"sum"`
        or `"min"`. Means and sums are floats.
    frame : index into the stack instead, from 0. A file with two stack axes needs both: the frame of the first (in
        file order, usually T) and the projection of the other. A file without a stack ignores both.

    Raises
    ------
    InputError : there is no such file, it is no image, damaged, larger than can be decoded, holds several different
        images, or is a stack and no choice was made. Damaged pixels are found when they are read, and that none is
        finite.
    """
    path = Path(path)
    if project is not None and project not in PROJECTIONS:
        raise InputError("project", repr(project), f"one of {', '.join(PROJECTIONS)}")
    try:
        with open(path, "rb") as file:
            magic = file.read(16)
    except OSError as exc:
        raise InputError(path, exc.strerror or str(exc), "an image file that can be read") from exc
    if not magic:
        raise InputError(path, "an empty file", "an image")
    return reader_of(path, magic).open(path, project, frame)


def from_array(
    array: np.ndarray,
    *,
    name: str = "array",
    axes: str | None = None,
    pixel_size_um: tuple[float, float] | None = None,
) -> ImageSource:
    """Treat an array as an image.

    Parameters
    ----------
    array : (Y, X), (Y, X, C) with at most 4 channels, or (C, Y, X) with no more channels than rows or columns;
        integers, floats or bool (taken as 0 and 255). In a (Y, X, 4) array of unsigned integers a last channel that
        is opaque everywhere is dropped, as it is from files.
    name : what the image is called in tables.
    axes : order of the axes, e.g. `"YXC"`; needed where the shape could mean both.
    pixel_size_um : (y, x) micrometres per pixel.

    Raises
    ------
    InputError : the shape is ambiguous or not that of an image, or the type not a real number.
    """
    array = np.asarray(array)
    guessed = _guess_axes(array, name) if axes is None else axes.upper()
    if sorted(guessed) not in (["X", "Y"], ["C", "X", "Y"]) or len(guessed) != array.ndim:
        raise InputError(name, f"axes {axes!r} for an array of shape {array.shape}", "Y, X and at most one C")
    if array.size == 0 or array.dtype.kind not in "buif":
        raise InputError(
            name, f"an array of shape {array.shape} and type {array.dtype}", "pixels that are real numbers"
        )
    if "C" not in guessed:
        array, guessed = array[np.newaxis], "C" + guessed
    array = array.transpose([guessed.index(axis) for axis in "CYX"])
    if array.dtype.kind == "b":
        array = array.astype(np.uint8) * np.uint8(255)
    array = array.astype(array.dtype.newbyteorder("="), copy=False)
    if axes is None and guessed == "YXC" and len(array) == 4 and array.dtype.kind == "u":
        opaque = np.iinfo(array.dtype).max
        array = array[:3] if (array[3] == opaque).all() else array

    def read_region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        return np.array(array[:, y0:y1, x0:x1], order="C")

    return ImageSource(Path(name), array.shape, array.dtype, read_region, name=name, pixel_size_um=pixel_size_um)


def _guess_axes(array: np.ndarray, name: str) -> str:
    if array.ndim == 2:
        return "YX"
    if array.ndim == 3:
        channels_last = array.shape[2] <= 4
        channels_first = array.shape[0] <= min(array.shape[1:])
        if channels_first != channels_last:
            return "CYX" if channels_first else "YXC"
    raise InputError(
        name,
        f"an array of shape {array.shape}",
        "(Y, X), (Y, X, C) with at most 4 channels, or (C, Y, X); where both fit, pass axes, e.g. axes='CYX'",
    )
