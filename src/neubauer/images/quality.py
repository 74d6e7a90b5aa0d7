"""Is an image sharp, evenly lit, and neither too bright nor too dark? Measured on its own, without a reference."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from neubauer.images.source import ImageSource

GRID = 8
"""Windows along each side: the field is looked at everywhere, whatever its size."""
WINDOW = 128
"""Their side at most, pixels; images of up to 1024 pixels a side are seen whole."""
SMALLEST = 16
"""Side (pixels) below which a window has no spectrum."""
THINNED = 4
"""Every so many pixels one is used for the background."""
ROUNDS, CLIPPED, LEAST = 6, 2.0, 100
"""How often the background is fitted, standard deviations at which pixels are taken for objects, and how many have to
be left."""
FREQUENCIES = (0.03, 0.4)
"""Cycles per pixel between which the slope of the spectrum is fitted."""
MEASURES = ("focus", "spectral_slope", "saturated_low", "saturated_high", "unevenness", "intensity")


def measure_quality(source: ImageSource) -> dict[str, float]:
    """Measures of how an image was taken; NaN where it is too small or empty to tell.

    Returns
    -------
    focus : variance of the Laplacian over the variance of the pixels (Pech-Pacheco et al., ICPR 2000, normalised so
        that brightness does not matter); of sharp images it is larger than of blurred ones *of the same kind*.
    spectral_slope : of the logarithm of the power over that of the frequency (Bray et al., J Biomol Screen 17:266,
        2012); the steeper it falls, the less detail there is.
    saturated_low, saturated_high : share of pixels at the lowest and at the highest value that occurs, if more lie
        there than at the next value, as they do where a camera or a conversion has cut off; of the worst channel.
    unevenness : range of a second-degree surface through the background, over the contrast of the image
        (percentiles 1 to 99.8).
    intensity : mean pixel value.
    """
    windows = _windows(source)
    # missing pixels have the median of their channel in their place
    grey = [[np.ma.getdata(window).mean(0, np.float64) for window in row] for row in windows]
    return {
        "focus": _focus(grey),
        "spectral_slope": _slope(grey),
        **dict(zip(("saturated_low", "saturated_high"), _saturated(windows), strict=True)),
        "unevenness": _unevenness(grey, (source.shape[1], source.shape[2])),
        "intensity": float(np.mean([window.mean() for row in grey for window in row])),
    }


def _windows(source: ImageSource) -> list[list[np.ndarray]]:
    """In rows from the top, the middles of `GRID` x `GRID` blocks: (C, y, x) each. A band of rows is read at a time."""
    height, width = source.shape[1:]
    rows = []
    for y0, y1 in _middles(height):
        band = (source.masked if source.can_miss else source.region)(y0, y1, 0, width)
        rows.append([band[:, :, x0:x1] for x0, x1 in _middles(width)])
    return rows


def _middles(length: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, length, min(GRID, length) + 1).astype(int)
    found = []
    for start, end in pairwise(edges):
        side = min(WINDOW, end - start)
        first = int(start + (end - start - side) // 2)
        found.append((first, first + int(side)))
    return found


def _focus(grey: list[list[np.ndarray]]) -> float:
    of_laplacian, of_pixels = 0.0, 0.0
    for window in (w for row in grey for w in row if min(w.shape) >= 3):
        inner = window[1:-1, 1:-1]
        around = window[:-2, 1:-1] + window[2:, 1:-1] + window[1:-1, :-2] + window[1:-1, 2:]
        of_laplacian += float((around - 4 * inner).var())
        of_pixels += float(window.var())
    return of_laplacian / of_pixels if of_pixels else math.nan


def _slope(grey: list[list[np.ndarray]]) -> float:
    side = min(min(w.shape) for row in grey for w in row)
    if side < SMALLEST:
        return math.nan
    taper = np.hanning(side)[:, None] * np.hanning(side)[None]
    power = np.zeros((side, side // 2 + 1))
    for window in (w[:side, :side] for row in grey for w in row):
        power += np.abs(np.fft.rfft2((window - window.mean()) * taper)) ** 2
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None])
    ring = np.rint(radius * side).astype(int)
    mean = np.bincount(ring.ravel(), power.ravel()) / np.maximum(np.bincount(ring.ravel()), 1)
    frequency = np.arange(len(mean)) / side
    used = (frequency >= FREQUENCIES[0]) & (frequency <= FREQUENCIES[1]) & (mean > 0)
    if used.sum() < 3:
        return math.nan
    return float(np.polyfit(np.log10(frequency[used]), np.log10(mean[used]), 1)[0])


def _saturated(windows: list[list[np.ndarray]]) -> tuple[float, float]:
    pixels = np.ma.concatenate([w.reshape(len(w), -1) for row in windows for w in row], axis=1)
    ends: list[tuple[float, float]] = []
    for channel in pixels:
        values = np.ma.compressed(channel)
        if len(values) and values.min() < values.max():  # a channel of one value holds nothing that could be cut off
            ends.append((_piled(values, values.min()), _piled(values, values.max())))
    return (max(low for low, _ in ends), max(high for _, high in ends)) if ends else (math.nan, math.nan)


def _piled(values: np.ndarray, end: float) -> float:
    """Share of the values at an end, where they are more than at the next value."""
    rest = values[values != end]
    following = rest.min() if end < rest.min() else rest.max()
    there = len(values) - len(rest)
    return there / len(values) if there > np.count_nonzero(rest == following) else 0.0


def _unevenness(windows: list[list[np.ndarray]], shape: tuple[int, int]) -> float:
    """By a surface through the pixels of the background, found by clipping those that stand out from it."""
    y, x, value = [], [], []
    for row, (y0, y1) in zip(windows, _middles(shape[0]), strict=True):
        for window, (x0, x1) in zip(row, _middles(shape[1]), strict=True):
            at_y, at_x = np.mgrid[y0:y1:THINNED, x0:x1:THINNED]
            y.append(at_y.ravel() / shape[0])
            x.append(at_x.ravel() / shape[1])
            value.append(window[::THINNED, ::THINNED].ravel())
    v = np.concatenate(value)
    low, high = np.percentile(v, (1, 99.8))
    if len(windows) < GRID or len(windows[0]) < GRID or high <= low:
        return math.nan
    py, px = np.concatenate(y), np.concatenate(x)
    terms = np.stack([np.ones_like(px), px, py, px * py, px**2, py**2], 1)
    middle = np.median(v)
    kept = v <= middle if v.mean() >= middle else v >= middle  # dark where bright things stand out, else bright
    surface = np.full(len(v), middle)
    for _ in range(ROUNDS):
        surface = terms @ np.linalg.lstsq(terms[kept], v[kept], rcond=None)[0]
        off = np.abs(v - surface)
        kept = off <= max(CLIPPED * float(np.sqrt(np.mean(off[kept] ** 2))), np.finfo(float).eps * abs(middle))
        if kept.sum() < LEAST:
            return math.nan
    return float(np.ptp(surface) / (high - low))
