"""What the pixels of an image look like, apart from what is in it: brightness, contrast, colours, grain.

A network that counts under any stain learns not to see the stain; these few numbers do, and so tell sources apart that
look alike to the network.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

SMALL = 0.01
"""Standard deviation, of intensities that reach from 0 to 1, below which there is nothing but noise."""


def moments(pixels: Tensor, stride: int) -> Tensor:
    """Means over squares of `stride` pixels, of which `appearance` is made once they are averaged over larger blocks.

    Parameters
    ----------
    pixels : (C, Y, X), both sides multiples of `stride`, a power of two.

    Returns
    -------
    Tensor : (M, Y / stride, X / stride): of each channel, of its square, of products of two channels; of the square and
        the cube of their mean; and its variance in octaves of size (Haar wavelets), from fine to coarse.
    """
    x = pixels[None]
    i, j = np.triu_indices(x.shape[1], 1)
    grey = x.mean(1, keepdim=True)
    found = [avg_pool2d(t, stride) for t in (x, x * x, x[:, i] * x[:, j], grey * grey, grey**3) if t.shape[1]]
    side = stride
    while side > 1:
        coarser = avg_pool2d(grey, 2)
        side //= 2
        variance = avg_pool2d(grey * grey, 2) - coarser * coarser
        found.append(avg_pool2d(variance, side) if side > 1 else variance)
        grey = coarser
    return torch.cat(found, 1)[0]


def appearance(means: np.ndarray, channels: int) -> np.ndarray:
    """(..., M) moments, averaged over blocks, as numbers of a size that can be compared.

    Returns
    -------
    np.ndarray : (..., D) float32: of each channel the mean and the logarithm of its spread, correlations between
        channels, skewness of their mean, and the logarithms of its spread in octaves of size.
    """
    c = channels
    pairs = c * (c - 1) // 2
    i, j = np.triu_indices(c, 1)
    mean, square, products, grey, octaves = np.split(means, np.cumsum([c, c, pairs, 2]), -1)
    spread = _root(square - mean**2) + SMALL
    correlation = (products - mean[..., i] * mean[..., j]) / (spread[..., i] * spread[..., j])
    level = mean.mean(-1, keepdims=True)
    grey_square, cube = grey[..., :1], grey[..., 1:]
    skewness = (cube - 3 * level * grey_square + 2 * level**3) / (_root(grey_square - level**2) + SMALL) ** 3
    found = (mean, np.log(spread), correlation, np.clip(skewness, -5, 5), np.log(_root(octaves) + SMALL / 10))
    return np.concatenate(found, -1).astype(np.float32)


def numbers(channels: int, stride: int) -> int:
    """How many `appearance` makes, of moments over squares of `stride` pixels."""
    return 2 * channels + channels * (channels - 1) // 2 + 1 + stride.bit_length() - 1


def _root(variance: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(variance, 0))
