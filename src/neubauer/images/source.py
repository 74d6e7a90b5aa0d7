"""`ImageSource`: one image whose pixels are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from pathlib import Path

import numpy as np

from neubauer.errors import InputError
from neubauer.images.bands import bands, sample_steps

ReadRegion = Callable[[int, int, int, int], np.ndarray]


class ImageSource:
    """One 2-D image of any number of channels, read by region. No file stays open between reads.

    Pixels that are NaN or infinite, and those that `read_region` masks, are *missing*: whoever asks for pixels gets the
    median of the channel in their place, so that arithmetic goes on, and `masked` and `missing` say where they are.

    Parameters
    ----------
    path : the file (or the name of an array).
    shape : (C, Y, X).
    dtype : of the pixels, native byte order.
    read_region : `(y0, y1, x0, x1) -> (C, y1 - y0, x1 - x0)` pixels; a masked array where it knows of missing ones,
        with finite numbers under its mask.
    name : what the image is called in tables; the stem of the file.
    pixel_size_um : (y, x) micrometres per pixel, or None where the file does not say.
    channel_names : C names, or None where the file does not say.
    can_miss : whether pixels can be missing; by default where the dtype has NaN.
    """

    def __init__(
        self,
        path: Path,
        shape: tuple[int, int, int],
        dtype: np.dtype,
        read_region: ReadRegion,
        *,
        name: str,
        pixel_size_um: tuple[float, float] | None = None,
        channel_names: tuple[str, ...] | None = None,
        can_miss: bool | None = None,
    ) -> None:
        self.path, self.name = path, name
        self.shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        self.dtype = np.dtype(dtype)
        self.pixel_size_um = pixel_size_um
        # names that do not pair off with the channels name nothing
        self.channel_names = channel_names if channel_names and len(channel_names) == self.shape[0] else None
        self.can_miss = self.dtype.kind == "f" if can_miss is None else can_miss
        self._read_region = read_region

    def __repr__(self) -> str:
        return f"ImageSource({str(self.path)!r}, shape={self.shape}, dtype={self.dtype})"

    def region(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """Pixels of the rectangle `[y0:y1, x0:x1]`.

        Returns
        -------
        (C, y1 - y0, x1 - x0) array of `dtype`, the caller's own, without NaN or infinite numbers.

        Raises
        ------
        ValueError : the rectangle is empty or not inside the image.
        InputError : the file is damaged there, or the image has no pixel that is a finite number.
        """
        return np.ma.getdata(self.masked(y0, y1, x0, x1))

    def missing(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """(y1 - y0, x1 - x0) bool: where pixels are missing in at least one channel. Errors as `region`."""
        if not self.can_miss:
            return np.zeros((y1 - y0, x1 - x0), bool)
        return np.asarray(np.ma.getmaskarray(self.masked(y0, y1, x0, x1)).any(0))

    def masked(self, y0: int, y1: int, x0: int, x1: int) -> np.ma.MaskedArray:
        """Pixels of the rectangle as a masked array; what `region` returns is under its mask. Errors as `region`.

        Returns
        -------
        (C, y1 - y0, x1 - x0), masked where a pixel of a channel is missing; `numpy.ma.nomask` where none is.
        """
        _, height, width = self.shape
        if not (0 <= y0 < y1 <= height and 0 <= x0 < x1 <= width):
            raise ValueError(f"region [{y0}:{y1}, {x0}:{x1}] is not inside the image of {height} x {width} pixels")
        pixels = self._read_region(y0, y1, x0, x1)
        mask, pixels = np.ma.getmask(pixels), np.ma.getdata(pixels)
        if self.dtype.kind == "f":
            bad = ~np.isfinite(pixels)
            if bad.any():
                pixels, mask = np.where(bad, self._usual[:, None, None], pixels), mask | bad
        return np.ma.MaskedArray(pixels, mask)

    @cached_property
    def _usual(self) -> np.ndarray:
        """(C,) what stands for missing pixels: the median of a sample; 0 in a channel of nothing else."""
        channels, height, width = self.shape
        step_y, step_x = sample_steps(height, width)
        sample = np.concatenate(
            [
                np.ma.getdata(self._read_region(y0, y1, 0, width))[:, ::step_y, ::step_x].reshape(channels, -1)
                for y0, y1 in bands(self.shape, self.dtype.itemsize, step_y)
            ],
            axis=1,
        )
        known = [channel[np.isfinite(channel)] for channel in sample]
        if not any(len(values) for values in known):
            raise InputError(self.path, "no pixel value but NaN and infinity", "an image with finite pixel values")
        usual = [np.percentile(values, 50, method="lower") if len(values) else 0 for values in known]
        return np.array(usual, self.dtype)

    def middle(self, side: int) -> np.ndarray:
        """Pixels of the window of `side` x `side` in the middle, of all rows or columns where there are fewer."""
        return self.region(*self.middle_window(side))

    def middle_window(self, side: int) -> tuple[int, int, int, int]:
        """`y0, y1, x0, x1` of that window."""
        y, x = (max(0, (n - side) // 2) for n in self.shape[1:])
        return y, min(self.shape[1], y + side), x, min(self.shape[2], x + side)

    def read(self) -> np.ndarray:
        """All pixels, (C, Y, X)."""
        return self.region(0, self.shape[1], 0, self.shape[2])
