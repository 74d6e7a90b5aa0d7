"""Is there anything in an image but noise?"""

from __future__ import annotations

import math

import numpy as np

from neubauer.images.source import ImageSource

LEAST = 8.0
"""Of nothing but noise the percentiles 1 and 99.8 are 5.2 standard deviations apart; of annotated images of seven
public sets, with cells in them, at least 12."""
WINDOW = 512
"""Side of the window in the middle of the image that the noise is measured in, pixels."""


def contrast_to_noise(source: ImageSource, limits: np.ndarray) -> float:
    """How far apart the limits are, in standard deviations of the noise; of the best channel.

    The noise is estimated from the differences of neighbours along rows, whose mean size is 2 / sqrt(pi) standard
    deviations where all is noise. 0 where all pixels are the same.

    Parameters
    ----------
    source : (C, Y, X).
    limits : (C, 2), from `neubauer.images.normalise.percentile_limits`.
    """
    if min(source.shape[1:]) < 2:
        return math.inf  # too little to tell
    pixels = source.masked(*source.middle_window(WINDOW)).astype(np.float64)
    steps = np.ma.abs(pixels[:, :, 1:] - pixels[:, :, :-1])  # masked beside missing pixels
    noise = np.ma.filled(steps.mean((1, 2)), 0) * math.sqrt(math.pi) / 2
    ratios = []
    for sigma, (low, high), channel in zip(noise, np.asarray(limits, np.float64), pixels, strict=True):
        constant = bool(np.ma.filled((channel == low).all(), False)) and high == np.float32(
            low + 1
        )  # as the limits of a constant channel are
        ratios.append(float((high - low) / sigma) if sigma else 0.0 if constant else math.inf)
    return max(ratios)
