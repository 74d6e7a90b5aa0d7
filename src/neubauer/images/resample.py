"""Change the scale of an image, region by region, with the same pixels whatever the regions."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import scipy.sparse

from neubauer.errors import InputError


def resampled_size(size: int, scale: float) -> int:
    """Length of an axis of `size` pixels after resampling by `scale`; at least 1."""
    if not (math.isfinite(scale) and scale > 0):
        raise InputError("scale", repr(scale), "a positive number")
    return max(1, round(size * scale))


def resample(array: np.ndarray, scale: float) -> np.ndarray:
    """Resample a whole image; see `resample_region`.

    Parameters
    ----------
    array : (C, Y, X).
    scale : output pixels per input pixel.

    Returns
    -------
    (C, `resampled_size(Y, scale)`, `resampled_size(X, scale)`) float32.
    """
    height, width = array.shape[1:]
    return resample_region(
        lambda y0, y1, x0, x1: array[:, y0:y1, x0:x1],
        (height, width),
        scale,
        0,
        resampled_size(height, scale),
        0,
        resampled_size(width, scale),
    )


def resample_region(
    read: Callable[[int, int, int, int], np.ndarray],
    shape: tuple[int, int],
    scale: float,
    y0: int,
    y1: int,
    x0: int,
    x1: int,
) -> np.ndarray:
    """The region `[y0:y1, x0:x1]` of the resampled image, from only those source pixels that it needs.

    Bilinear interpolation, widened by 1 / scale to average over the source pixels when shrinking (the antialiased
    triangle filter of Pillow's `BILINEAR`). The ratio is the exact one of the sizes of each axis. Weights depend on
    positions in the whole image alone and are renormalised at its border, so regions fit together without seams.

    Parameters
    ----------
    read : `(y0, y1, x0, x1) -> (C, y1 - y0, x1 - x0)` source pixels, e.g. `ImageSource.region`.
    shape : (Y, X) of the source.
    scale : output pixels per input pixel.
    y0, y1, x0, x1 : the region, in output pixels.

    Returns
    -------
    (C, y1 - y0, x1 - x0) float32.

    Raises
    ------
    ValueError : the region is empty or not inside the resampled image.
    InputError : the scale is not a positive number.
    """
    size_y, size_x = (resampled_size(n, scale) for n in shape)
    if not (0 <= y0 < y1 <= size_y and 0 <= x0 < x1 <= size_x):
        raise ValueError(f"region [{y0}:{y1}, {x0}:{x1}] is not inside the image of {size_y} x {size_x} pixels")
    if (size_y, size_x) == tuple(shape):
        return read(y0, y1, x0, x1).astype(np.float32)
    source_y, weights_y = _weights(shape[0], size_y, y0, y1)
    source_x, weights_x = _weights(shape[1], size_x, x0, x1)
    pixels = read(source_y.start, source_y.stop, source_x.start, source_x.stop).astype(np.float32, copy=False)
    # rows first: they are contiguous in memory, and fewer are left for the costlier columns when shrinking
    out = np.empty((len(pixels), y1 - y0, x1 - x0), np.float32)
    for target, channel in zip(out, pixels, strict=True):
        target[:] = (weights_x @ (weights_y @ channel).T).T
    return out


def _weights(size_in: int, size_out: int, start: int, stop: int) -> tuple[slice, scipy.sparse.csr_array]:
    """Source range and (stop - start, range) weights of the output pixels `start` to `stop` of one axis."""
    ratio = size_in / size_out
    support = max(1.0, ratio)
    centres = (np.arange(start, stop) + 0.5) * ratio
    low = max(0, math.floor(centres[0] - support))
    high = min(size_in, math.ceil(centres[-1] + support))
    first = np.floor(centres - support).astype(np.int64)
    columns = first[:, np.newaxis] + np.arange(math.ceil(2 * support) + 1)
    weights = 1 - np.abs(columns + 0.5 - centres[:, np.newaxis]) / support
    weights[(weights < 0) | (columns < 0) | (columns >= size_in)] = 0
    weights /= weights.sum(axis=1, keepdims=True)
    rows = np.broadcast_to(np.arange(stop - start)[:, np.newaxis], columns.shape)
    used = weights > 0
    matrix = scipy.sparse.csr_array(
        (weights[used].astype(np.float32), (rows[used], columns[used] - low)), shape=(stop - start, high - low)
    )
    return slice(low, high), matrix
