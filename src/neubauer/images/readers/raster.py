"""PNG, JPEG, BMP and WebP: decoded whole, on first use, and kept in the cache of decoded pixels."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import imagecodecs
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from neubauer.errors import InputError
from neubauer.images.readers.cache import PIXELS
from neubauer.images.readers.registry import READERS, Reader
from neubauer.images.source import ImageSource
from neubauer.images.stem import stem

FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
EXPECTED = "an image (PNG, JPEG, TIFF, OME-TIFF, BMP, WebP)"
ORIENTATION = 0x0112


def open_raster(path: Path) -> ImageSource:
    """Open an image file that Pillow knows; see `neubauer.images.read.open_image`."""
    try:
        with _open(path) as image:
            n_frames = getattr(image, "n_frames", 1)
            if n_frames > 1 and image.format != "MPO":  # a camera's JPEG with a preview behind the picture
                raise InputError(path, f"an animation of {n_frames} pictures", "one picture")
            deep = image.format == "PNG" and _is_deep_colour(path)
            width, height = image.size
            if not deep and image.getexif().get(ORIENTATION, 1) >= 5:
                width, height = height, width
            grey = image.mode in ("1", "L", "LA") or image.mode.startswith("I")
            dtype = np.uint16 if deep or image.mode.startswith("I") else np.uint8
    except Exception as exc:
        raise _explain(path, exc) from exc
    key = object()  # another opening of the file, which may have changed, shares nothing with this one

    def decode() -> np.ndarray:
        try:
            return _decode_deep(path, grey) if deep else _decode(path, grey)
        except Exception as exc:
            raise _explain(path, exc) from exc

    def read_region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        pixels = PIXELS.get(key, decode)
        return np.array(np.moveaxis(pixels[y0:y1, x0:x1], -1, 0), order="C")

    shape = (1 if grey else 3, height, width)
    return ImageSource(path, shape, np.dtype(dtype), read_region, name=stem(path))


@contextmanager
def _open(path: Path) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of half its size limit and of odd metadata
        with Image.open(path, formats=FORMATS) as image:
            yield image


def _decode(path: Path, grey: bool) -> np.ndarray:
    """(Y, X, 1 or 3) pixels; opacity dropped, 1-bit images as 0 and 255, palettes as their colours."""
    with _open(path) as image:
        upright = ImageOps.exif_transpose(image)
        if not grey:
            return np.asarray(upright.convert("RGB"))
        if upright.mode in ("1", "LA"):
            upright = upright.convert("L")
        pixels = np.asarray(upright)
        return pixels.astype(np.uint8 if pixels.dtype.itemsize == 1 else np.uint16, copy=False)[..., np.newaxis]


def _is_deep_colour(path: Path) -> bool:
    """Whether a PNG file has 16-bit samples that Pillow would cut to 8 (all but grey without opacity)."""
    with open(path, "rb") as file:
        header = file.read(26)
    depth, colour_type = header[24], header[25]
    return depth == 16 and colour_type != 0


def _decode_deep(path: Path, grey: bool) -> np.ndarray:
    pixels = imagecodecs.png_decode(path.read_bytes())
    return pixels[..., : 1 if grey else 3]


def _explain(path: Path, exc: Exception) -> InputError:
    if isinstance(exc, InputError):
        return exc
    if isinstance(exc, Image.DecompressionBombError):
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        expected = f"at most {limit} pixels (save larger images as tiled TIFF, which is read by region)"
        return InputError(path, "an image too large to be decoded at once", expected)
    if isinstance(exc, UnidentifiedImageError):
        return InputError(path, _kind_of_content(path), EXPECTED)
    return InputError(path, f"a damaged image file ({' '.join(str(exc).split()) or type(exc).__name__})", EXPECTED)


def _kind_of_content(path: Path) -> str:
    with open(path, "rb") as file:
        start = file.read(512)
    try:
        text = start.decode("utf-8", errors="strict")
    except UnicodeDecodeError:
        return "no known image format"
    return "no known image format" if "\0" in text else "text, not an image"


READERS.register("raster")(
    Reader(
        (".png", ".jpg", ".jpeg", ".bmp", ".webp"),
        lambda path, first: True,
        lambda path, project, frame: open_raster(path),
        last=True,
    )
)
