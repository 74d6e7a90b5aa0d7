"""Write images and label images, remove files; a file appears whole or not at all."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.errors import InputError, OutputError

TIFF_SUFFIXES = (".tif", ".tiff")
TIFF_DTYPES = ("uint8", "int8", "uint16", "int16", "uint32", "int32", "float32", "float64")  # what OME-XML can name
TILE = 512
LARGE_SIDE = 1024  # longer images are tiled
CLASSIC_TIFF_BYTES = 2**32 - 2**25


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path`, which takes its place when the block ends without an error.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as exc:
        raise OutputError(f"{path}: cannot be written ({exc.strerror or exc})") from exc
    finally:
        # what is left over after an error or Ctrl-C; in a folder that cannot be read nothing can be left
        if os.path.lexists(temporary):
            temporary.unlink()


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises
    ------
    OutputError : it cannot be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be removed ({error.strerror or error})") from error


def write_image(
    path: str | Path,
    array: np.ndarray,
    *,
    pixel_size_um: tuple[float, float] | None = None,
    channel_names: Sequence[str] | None = None,
) -> None:
    """Write an image in the format that the suffix says.

    - `.tif`, `.tiff`: deflate-compressed with OME metadata (axes, pixel size, channel names) and resolution tags;
      tiled when large, BigTIFF beyond 4 GB. 8- and 16-bit images of 3 channels without names are stored as RGB.
    - `.png`: 8- or 16-bit integers, 1 or 3 channels, without loss.
    - `.jpg`, `.jpeg`: 8-bit integers, 1 or 3 channels, for pictures to look at.

    PNG and JPEG files hold neither pixel size nor channel names.

    Parameters
    ----------
    path : file to write; an existing one is replaced.
    array : (Y, X) or (C, Y, X).
    pixel_size_um : (y, x) micrometres per pixel.
    channel_names : C names.

    Raises
    ------
    InputError : the format cannot hold such an image, or is not known.
    OutputError : the file cannot be written.
    """
    path, array = Path(path), np.asarray(array)
    array = array[np.newaxis] if array.ndim == 2 else array
    if array.ndim != 3 or array.size == 0:
        raise InputError(path, f"an array of shape {array.shape}", "(Y, X) or (C, Y, X)")
    suffix = path.suffix.lower()
    if suffix in TIFF_SUFFIXES:
        _write_tiff(path, array, pixel_size_um, channel_names)
        return
    dtypes = {".png": ("uint8", "uint16"), ".jpg": ("uint8",), ".jpeg": ("uint8",)}.get(suffix)
    if dtypes is None:
        raise InputError(path, f"suffix {suffix!r}", "one of .tif, .tiff, .png, .jpg, .jpeg")
    if array.dtype.name not in dtypes or len(array) not in (1, 3):
        found = f"{len(array)} channels of {array.dtype}"
        raise InputError(path, found, f"1 or 3 channels of {' or '.join(dtypes)} (a TIFF file can hold the rest)")
    import imagecodecs

    pixels = np.ascontiguousarray(array[0] if len(array) == 1 else np.moveaxis(array, 0, -1))
    encoded = imagecodecs.png_encode(pixels) if suffix == ".png" else imagecodecs.jpeg_encode(pixels, level=95)
    with atomic_path(path) as temporary:
        temporary.write_bytes(encoded)


def write_labels(path: str | Path, labels: np.ndarray, pixel_size_um: tuple[float, float] | None = None) -> None:
    """Write instance labels as an int32 TIFF file (as `write_image` writes TIFF).

    Parameters
    ----------
    path : file to write; an existing one is replaced.
    labels : (Y, X) integers, 0 is background.
    pixel_size_um : (y, x) micrometres per pixel.

    Raises
    ------
    InputError : the labels are not a 2-D array of integers that int32 can hold.
    OutputError : the file cannot be written.
    """
    labels = np.asarray(labels)
    if labels.ndim != 2 or labels.size == 0 or labels.dtype.kind not in "bui":
        raise InputError(path, f"labels of shape {labels.shape} and type {labels.dtype}", "(Y, X) integers")
    if int(labels.max()) > np.iinfo(np.int32).max or int(labels.min()) < np.iinfo(np.int32).min:
        raise InputError(path, f"labels from {labels.min()} to {labels.max()}", "labels that fit into int32")
    _write_tiff(Path(path), labels.astype(np.int32, copy=False)[np.newaxis], pixel_size_um, None)


def _write_tiff(
    path: Path,
    array: np.ndarray,
    pixel_size_um: tuple[float, float] | None,
    channel_names: Sequence[str] | None,
) -> None:
    import tifffile

    if array.dtype.name not in TIFF_DTYPES:
        raise InputError(path, f"pixels of type {array.dtype}", f"one of {', '.join(TIFF_DTYPES)}")
    channels, height, width = array.shape
    if channel_names is not None and len(channel_names) != channels:
        raise InputError(path, f"{len(channel_names)} channel names", f"{channels}, one per channel")

    rgb = channels == 3 and channel_names is None and array.dtype.name in ("uint8", "uint16")
    metadata: dict[str, Any] = {"axes": "YXS" if rgb else "CYX"}
    options: dict[str, Any] = {}
    if channel_names is not None:
        metadata["Channel"] = {"Name": list(channel_names)}
    if pixel_size_um is not None:
        y, x = (float(v) for v in pixel_size_um)
        metadata |= {"PhysicalSizeX": x, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": y, "PhysicalSizeYUnit": "µm"}
        options |= {"resolution": (1e4 / x, 1e4 / y), "resolutionunit": "CENTIMETER"}
    if max(height, width) > LARGE_SIDE:
        options["tile"] = (TILE, TILE)
    metadata["UUID"] = _identity(array, metadata)
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            np.moveaxis(array, 0, -1) if rgb else array,
            ome=True,
            bigtiff=array.nbytes > CLASSIC_TIFF_BYTES,
            photometric="rgb" if rgb else "minisblack",
            compression="zlib",
            predictor=True,
            metadata=metadata,
            **options,
        )


def _identity(array: np.ndarray, metadata: dict[str, Any]) -> str:
    """A UUID for the OME metadata, made from the content: the same image gives the same bytes."""
    digest = hashlib.sha256(repr((array.shape, array.dtype.str, metadata)).encode())
    digest.update(np.ascontiguousarray(array).data)
    return f"urn:uuid:{uuid.UUID(bytes=digest.digest()[:16], version=4)}"
