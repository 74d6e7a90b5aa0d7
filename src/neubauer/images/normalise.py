"""Intensities on a common scale: percentiles per channel."""

from __future__ import annotations

import numpy as np

from neubauer.errors import InputError
from neubauer.images.bands import SAMPLE_PIXELS, bands, sample_steps
from neubauer.images.source import ImageSource

# what lies far outside the percentiles (hot pixels, debris) is cut off here, so that it does not drown the cells
CLIP = (-0.5, 2.0)


def percentile_limits(
    source: ImageSource, low: float = 1.0, high: float = 99.8, max_pixels: int = SAMPLE_PIXELS
) -> np.ndarray:
    """Intensities at two percentiles of each channel.

    An image of more than `max_pixels` is sampled at every n-th row and column, always the same ones, in bands of
    full width, so that memory stays bounded. Where the two percentiles coincide (cells on less than 0.2 % of a
    uniform background) the limits are the extremes of the channel, and `(v, v + 1)` where it is constant. Missing
    pixels do not count; the limits of a channel of nothing else are `(0, 1)`.

    Parameters
    ----------
    source : the image.
    low, high : percentiles, 0 to 100.
    max_pixels : size of the sample, per channel.

    Returns
    -------
    (C, 2) float32.

    Raises
    ------
    InputError : the image is damaged, or has no finite pixel or ones beyond what float32 holds.
    """
    channels, height, width = source.shape
    step_y, step_x = sample_steps(height, width, max_pixels)
    samples = [
        source.masked(y0, y1, 0, width)[:, ::step_y, ::step_x].reshape(channels, -1)
        for y0, y1 in bands(source.shape, source.dtype.itemsize, step_y)
    ]
    if any(np.ma.getmask(s) is not np.ma.nomask for s in samples):
        joined = np.ma.concatenate(samples, axis=1)
        sample = [channel.compressed() if channel.count() else np.zeros(1, source.dtype) for channel in joined]
    else:
        sample = list(np.concatenate([np.ma.getdata(s) for s in samples], axis=1))
    with np.errstate(over="ignore"):
        limits = np.array([np.percentile(channel, [low, high]) for channel in sample]).astype(np.float32)
    if not np.isfinite(limits).all():
        largest = max(float(np.abs(channel.astype(np.float64)).max()) for channel in sample)
        raise InputError(source.path, f"pixel values up to {largest:.3g}", "values within 3.4e38 (float32)")
    for channel, limit in zip(sample, limits, strict=True):
        if not limit[0] < limit[1]:
            limit[:] = channel.min(), channel.max()
        if not limit[0] < limit[1]:
            limit[1] = max(limit[0] + 1, np.nextafter(limit[0], np.float32(np.inf)))  # beyond 2**24, v + 1 is v
    return limits


def normalise(array: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """Map `limits` to 0 and 1 in each channel, linearly, and clip to [-0.5, 2].

    Parameters
    ----------
    array : (C, Y, X) of any real type.
    limits : (C, 2), from `percentile_limits`.

    Returns
    -------
    (C, Y, X) float32.
    """
    limits = np.asarray(limits, dtype=np.float32)
    if limits.shape != (len(array), 2):
        raise ValueError(f"limits of shape {limits.shape} for an image of {len(array)} channels")
    lower, upper = limits[:, 0, np.newaxis, np.newaxis], limits[:, 1, np.newaxis, np.newaxis]
    out = np.asarray(array).astype(np.float32)
    out -= lower
    out /= upper - lower
    return np.clip(out, *CLIP, out=out)
