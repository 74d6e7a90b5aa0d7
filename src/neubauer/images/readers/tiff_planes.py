"""Pixels of TIFF pages by region: only the strips or tiles that a region touches are read and decoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
import tifffile

from neubauer.errors import InputError
from neubauer.images.readers.cache import PIXELS

# One strip or tile has to be decoded at once: the same limit as Pillow's for a whole PNG or JPEG image.
MAX_SEGMENT_PIXELS = 178_956_970


@dataclass(frozen=True)
class ContiguousPlane:
    """A plane stored row by row, uncompressed: mapped, so that the system reads what is touched.

    Attributes
    ----------
    path : the file.
    offset : of the first pixel, in bytes.
    shape : (Y, X, samples).
    dtype : with the byte order of the file.
    """

    path: Path
    offset: int
    shape: tuple[int, int, int]
    dtype: np.dtype

    def check(self) -> None:
        """Raise InputError if the file ends before the plane does."""
        _check_extent(self.path, self.offset + math.prod(self.shape) * self.dtype.itemsize)

    def read(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """(y1 - y0, x1 - x0, samples) pixels in the byte order of the file, which stays mapped while they are held."""
        return np.memmap(self.path, self.dtype, "r", self.offset, self.shape)[y0:y1, x0:x1]


@dataclass(frozen=True)
class SegmentedPlane:
    """A plane stored in strips or tiles, decoded by tifffile.

    Attributes
    ----------
    path : the file.
    key : names the plane in the cache of decoded pixels.
    keyframe : the tifffile page with the layout of this plane.
    decode : `(bytes, number of the segment) -> pixels, position, shape`, tifffile's for this page.
    offsets, bytecounts : where the strips or tiles of the page lie in the file.
    sample : number of the plane within a page that stores its samples apart, else 0.
    """

    path: Path
    key: Hashable
    keyframe: tifffile.TiffPage
    decode: Callable[[bytes | None, int], Any]
    offsets: Sequence[int]
    bytecounts: Sequence[int]
    sample: int

    def check(self) -> None:
        """Raise InputError if segments are missing, or lie outside the file, or are too large to be decoded."""
        page = self.keyframe
        expected = math.prod(page.chunked)
        if min(len(self.offsets), len(self.bytecounts)) < expected:
            raise InputError(self.path, f"{len(self.offsets)} strips or tiles", f"{expected} for its size (truncated?)")
        if page.imagedepth > 1:
            raise InputError(self.path, "volumetric TIFF tiles", "one plane per page")
        height, width = self._segment_shape
        if height * width > MAX_SEGMENT_PIXELS:
            expected_size = f"at most {MAX_SEGMENT_PIXELS} (save large images in tiles)"
            raise InputError(self.path, f"a strip or tile of {height} x {width} pixels", expected_size)
        if not page.is_tiled and 0 in self.bytecounts[:expected]:
            raise InputError(self.path, "strips without data", "data for each strip (truncated?)")
        _check_extent(self.path, max(o + n for o, n in zip(self.offsets, self.bytecounts, strict=False)))

    @property
    def _segment_shape(self) -> tuple[int, int]:
        page = self.keyframe
        if page.is_tiled:
            return page.tilelength, page.tilewidth
        return min(page.rowsperstrip, page.imagelength), page.imagewidth

    def read(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """(y1 - y0, x1 - x0, samples) pixels, native byte order."""
        page = self.keyframe
        height, width = self._segment_shape
        down, across = math.ceil(page.imagelength / height), math.ceil(page.imagewidth / width)
        assert page.dtype is not None  # checked when the file was opened
        out = np.empty((y1 - y0, x1 - x0, page.shaped[4]), page.dtype)
        with open(self.path, "rb") as file:
            for row in range(y0 // height, (y1 - 1) // height + 1):
                for column in range(x0 // width, (x1 - 1) // width + 1):
                    index = (self.sample * down + row) * across + column
                    segment = PIXELS.get((self.key, index), partial(self._decode, file, index))
                    top, left = row * height, column * width
                    ya, yb, xa, xb = max(y0, top), min(y1, top + height), max(x0, left), min(x1, left + width)
                    out[ya - y0 : yb - y0, xa - x0 : xb - x0] = segment[ya - top : yb - top, xa - left : xb - left]
        return out

    def _decode(self, file: IO[bytes], index: int) -> np.ndarray:
        data = None
        if self.bytecounts[index]:
            file.seek(self.offsets[index])
            data = file.read(self.bytecounts[index])
        segment, _, shape = self.decode(data, index)
        if segment is None:  # a tile that the writer left out because it is blank
            return np.full(shape[1:], self.keyframe.nodata, self.keyframe.dtype)
        return segment[0]


Plane = ContiguousPlane | SegmentedPlane


@dataclass(frozen=True)
class RowsPlane:
    """A plane of which every row is a page of its own, (X, samples).

    Attributes
    ----------
    rows : a plane (X, samples, 1) for each row.
    samples : channels of a pixel.
    """

    rows: Sequence[Plane]
    samples: int

    def read(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """(y1 - y0, x1 - x0, samples) pixels."""
        return np.stack([row.read(x0, x1, 0, self.samples)[..., 0] for row in self.rows[y0:y1]])


def planes_of_rows(
    path: Path, series: tifffile.TiffPageSeries, numbers: Sequence[int], rows: int
) -> dict[int, RowsPlane]:
    """The planes with these numbers, each of so many pages; see `planes_of_series`."""
    pages = planes_of_series(path, series, [n * rows + row for n in numbers for row in range(rows)])
    samples = series.keyframe.shaped[3]
    return {n: RowsPlane([pages[n * rows + row] for row in range(rows)], samples) for n in numbers}


def planes_of_series(path: Path, series: tifffile.TiffPageSeries, numbers: Sequence[int]) -> dict[int, Plane]:
    """The planes with these numbers (in the order of the series' axes before Y).

    Raises
    ------
    InputError : a plane is missing, or the file ends before it does.
    """
    keyframe = series.keyframe
    shape = keyframe.shaped[2:]
    dtype = np.dtype(keyframe.parent.byteorder + series.dtype.char)
    plane_bytes = math.prod(shape) * dtype.itemsize
    per_page = keyframe.shaped[0] * keyframe.shaped[1]
    key = object()  # another opening of the file, which may have changed, shares nothing with this one

    planes: dict[int, Plane] = {}
    for number in numbers:
        page_number, sample = divmod(number, per_page)
        if series.dataoffset is not None:  # all in one run, maybe described by its first page alone
            planes[number] = ContiguousPlane(path, series.dataoffset + number * plane_bytes, shape, dtype)
        else:
            page = series[page_number] if page_number < len(series) else None
            if page is None:
                raise InputError(path, f"no plane {page_number}", "all planes that the metadata declare")
            file = Path(page.parent.filehandle.path)  # an OME-TIFF may be spread over several files
            if page.is_final:
                offset = page.dataoffsets[0] + sample * plane_bytes
                planes[number] = ContiguousPlane(file, offset, shape, dtype)
            else:
                # every decoder of tifffile takes these two; JPEG alone needs them
                decode = partial(keyframe.decode, jpegtables=page.jpegtables, jpegheader=keyframe.jpegheader)
                planes[number] = SegmentedPlane(
                    file, (key, page_number), keyframe, decode, page.dataoffsets, page.databytecounts, sample
                )
        planes[number].check()
    return planes


def _check_extent(path: Path, end: int) -> None:
    size = path.stat().st_size
    if end > size:
        raise InputError(path, f"a file of {size} bytes", f"at least {end} bytes (truncated?)")
