"""Translations as images that are read by region, so that they may be as large as the originals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from neubauer.errors import InputError
from neubauer.gan.data.images import IntensityRange
from neubauer.gan.training.machine import bfloat16_is_fast
from neubauer.images.missing import masked_where
from neubauer.images.source import ImageSource
from neubauer.images.stain_transfer import LabStatistics, StainStatistics, Statistics, sampled_pixels
from neubauer.nets.translator import TranslatorNet

SAMPLE = 1024
"""Side of the window in the middle of an image from which the classical methods take its colours."""


def translated_source(
    source: ImageSource, network: TranslatorNet, before: IntensityRange, after: IntensityRange
) -> ImageSource:
    """An image as the network translates it.

    Every region is computed with all the surroundings that the network can see, on the network's own grid: it is equal
    to that part of the whole translation.

    Parameters
    ----------
    source : of the channels that the network takes.
    network : in evaluation mode.
    before, after : intensities of the image's domain, and of the other one.
    """
    _, height, width = source.shape
    stride, halo = network.stride, network.halo

    def read_region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        low = [(a // stride) * stride - halo for a in (y0, x0)]
        high = [-(-b // stride) * stride + halo for b in (y1, x1)]
        inside = [(max(0, a), min(n, b)) for a, b, n in zip(low, high, (height, width), strict=True)]
        found = source.masked(*inside[0], *inside[1])
        pixels = before.normalise(np.ma.getdata(found)[None])
        # beyond the edges the image is continued by its edge pixels, the same for tiles and for the whole
        around = [(p - a, b - q) for a, b, (p, q) in zip(low, high, inside, strict=True)]
        pixels = np.pad(pixels, [(0, 0), (0, 0), *around], mode="edge")
        low_precision = bfloat16_is_fast(torch.device("cpu"))
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low_precision):
            made = network(torch.from_numpy(pixels).contiguous(memory_format=torch.channels_last)).float().numpy()
        top, left = y0 - low[0], x0 - low[1]
        missing = np.ma.getmaskarray(found)[:, y0 - inside[0][0] :, x0 - inside[1][0] :][:, : y1 - y0, : x1 - x0]
        return masked_where(after.restore(made[:, :, top : top + y1 - y0, left : left + x1 - x0])[0], missing)

    return ImageSource(
        source.path,
        (len(after.limits), height, width),
        np.dtype(after.dtype),
        read_region,
        name=source.name,
        pixel_size_um=source.pixel_size_um,
        can_miss=source.can_miss,
    )


def classical_source(
    source: ImageSource, method: type[LabStatistics] | type[StainStatistics], to: Statistics
) -> ImageSource:
    """An RGB image with the colours of another domain; its own are measured once, in its middle.

    Raises
    ------
    InputError : the image has no colours to measure.
    """
    full = full_scale(source)
    own = method.of(sample_colours([source]))

    def read_region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        found = source.masked(y0, y1, x0, x1)
        made = own.transfer(np.ma.getdata(found) / full, to) * full  # type: ignore[arg-type]
        made = (np.round(made) if source.dtype.kind in "ui" else made).astype(source.dtype)
        return masked_where(made, np.ma.getmaskarray(found))

    return ImageSource(
        source.path,
        source.shape,
        source.dtype,
        read_region,
        name=source.name,
        pixel_size_um=source.pixel_size_um,
        channel_names=source.channel_names,
        can_miss=source.can_miss,
    )


def sample_colours(sources: Sequence[ImageSource]) -> np.ndarray:
    """(3, N) pixels in 0 ... 1 of the middles of images."""
    windows = []
    for source in sources:
        _, height, width = source.shape
        top, left = max(height - SAMPLE, 0) // 2, max(width - SAMPLE, 0) // 2
        window = source.masked(top, min(top + SAMPLE, height), left, min(left + SAMPLE, width))
        known = np.ma.getdata(window)[:, ~np.ma.getmaskarray(window).any(0)]  # (C, N)
        windows.append((known if known.size else np.ma.getdata(window)) / full_scale(source))
    return sampled_pixels(windows)


def full_scale(source: ImageSource) -> float:
    """The value of full light: the largest of an unsigned type, 1 of floats.

    Raises
    ------
    InputError : signed integers, which have no such value.
    """
    if source.dtype.kind == "u":
        return float(np.iinfo(source.dtype).max)
    if source.dtype.kind == "f":
        return 1.0
    raise InputError(source.path, f"pixels of type {source.dtype}", "unsigned integers, or floats in 0 ... 1")


def read_once(source: ImageSource, most: int = 2**28) -> ImageSource:
    """The same image, kept in memory once it is asked for, so that looking twice does not translate twice.

    An image of more than `most` bytes stays as it is.
    """
    if int(np.prod(source.shape)) * source.dtype.itemsize > most:
        return source
    kept: list[np.ndarray] = []

    def read_region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        if not kept:
            kept.append(source.masked(0, source.shape[1], 0, source.shape[2]))
        return kept[0][:, y0:y1, x0:x1].copy()

    return ImageSource(
        source.path,
        source.shape,
        source.dtype,
        read_region,
        name=source.name,
        pixel_size_um=source.pixel_size_um,
        channel_names=source.channel_names,
        can_miss=source.can_miss,
    )


def read_in_tiles(source: ImageSource, tile: int) -> np.ndarray:
    """All pixels (C, Y, X), read tile by tile; missing ones are NaN, where the data type has that."""
    channels, height, width = source.shape
    result = np.empty((channels, height, width), source.dtype)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            bottom, right = min(top + tile, height), min(left + tile, width)
            part = source.masked(top, bottom, left, right)
            result[:, top:bottom, left:right] = part.filled(np.nan) if source.dtype.kind == "f" else part.data
    return result
