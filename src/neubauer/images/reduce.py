"""An image made smaller by whole steps."""

from __future__ import annotations

import numpy as np

from neubauer.images.source import ImageSource

BAND = 1 << 22
"""Pixels read together."""


def reduce(source: ImageSource, step: int) -> np.ndarray:
    """Means over blocks of `step` x `step` pixels: (C, ceil(Y / step), ceil(X / step)) float32, read in bands."""
    channels, height, width = source.shape
    rows = step * max(1, BAND // (step * width * channels))
    bands = []
    for y0 in range(0, height, rows):
        y1 = min(y0 + rows, height)
        band = source.region(y0, y1, 0, width)
        if step > 1:  # the last block of a row or column may be cut
            band = np.pad(band, ((0, 0), (0, -(y1 - y0) % step), (0, -width % step)), mode="edge")
            blocks = band.reshape(channels, band.shape[1] // step, step, band.shape[2] // step, step)
            band = blocks.mean(axis=(2, 4), dtype=np.float32)
        bands.append(band.astype(np.float32))
    return np.concatenate(bands, axis=1)
