"""`ImageSource`: one image whose pixels are read when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from neubauer.errors import InputError

ReadRegion = Callable[[int, int, int, int], np.ndarray]


class ImageSource:
    """One 2-D image of any number of channels, read by region. No file stays open between reads.

    Parameters
    ----------
    path : the file (or the name of an array).
    shape : (C, Y, X).
    dtype : of the pixels, native byte order.
    read_region : `(y0, y1, x0, x1) -> (C, y1 - y0, x1 - x0)` pixels.
    name : what the image is called in tables; the stem of the file.
    pixel_size_um : (y, x) micrometres per pixel, or None where the file does not say.
    channel_names : C names, or None where the file does not say.
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
    ) -> None:
        self.path, self.name = path, name
        self.shape = (int(shape[0]), int(shape[1]), int(shape[2]))
        self.dtype = np.dtype(dtype)
        self.pixel_size_um = pixel_size_um
        # names that do not pair off with the channels name nothing
        self.channel_names = channel_names if channel_names and len(channel_names) == self.shape[0] else None
        self._read_region = read_region

    def __repr__(self) -> str:
        return f"ImageSource({str(self.path)!r}, shape={self.shape}, dtype={self.dtype})"

    def region(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """Pixels of the rectangle `[y0:y1, x0:x1]`.

        Returns
        -------
        (C, y1 - y0, x1 - x0) array of `dtype`, the caller's own.

        Raises
        ------
        ValueError : the rectangle is empty or not inside the image.
        InputError : the file is damaged there, or holds NaN or infinite pixels there.
        """
        _, height, width = self.shape
        if not (0 <= y0 < y1 <= height and 0 <= x0 < x1 <= width):
            raise ValueError(f"region [{y0}:{y1}, {x0}:{x1}] is not inside the image of {height} x {width} pixels")
        pixels = self._read_region(y0, y1, x0, x1)
        if self.dtype.kind == "f":
            n_bad = pixels.size - int(np.count_nonzero(np.isfinite(pixels)))
            if n_bad:
                raise InputError(self.path, f"{n_bad} NaN or infinite pixel values", "finite pixel values")
        return pixels

    def middle(self, side: int) -> np.ndarray:
        """Pixels of the window of `side` x `side` in the middle, of all rows or columns where there are fewer."""
        y, x = (max(0, (n - side) // 2) for n in self.shape[1:])
        return self.region(y, min(self.shape[1], y + side), x, min(self.shape[2], x + side))

    def read(self) -> np.ndarray:
        """All pixels, (C, Y, X)."""
        return self.region(0, self.shape[1], 0, self.shape[2])
