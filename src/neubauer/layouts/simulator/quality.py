"""Noise, blur and background of one image."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from neubauer.layouts.simulator.classical import Segments

QUIET = 25
"""Percentile of the local variation of the background that is taken for its grain: the rest may be missed cells."""


def measure_quality(image: np.ndarray, segments: Segments, outside: np.ndarray, unit: float) -> dict[str, float]:
    """`noise`, `blur`, `unevenness` and `grain` as `Style` has them.

    Parameters
    ----------
    image : (C, Y, X).
    segments : of the image.
    outside : (Y, X) bool, sure background.
    unit : typical cell diameter, pixels.
    """
    fine = image - ndi.gaussian_filter(image, (0, 1, 1))
    # a Gaussian of deviation 1 leaves 87 % of white noise to its complement
    noise = 1.4826 * float(np.median(np.abs(fine[:, outside]))) / 0.873
    signal = segments.signal
    level = float(np.median(signal[outside]))
    middle = ndi.gaussian_filter(signal, 1) - ndi.gaussian_filter(signal, 0.3 * unit)
    local = np.sqrt(ndi.gaussian_filter(middle**2, 0.3 * unit))
    weight = ndi.gaussian_filter(outside.astype(np.float32), unit / 2)
    slow = ndi.gaussian_filter(np.where(outside, signal - level, 0), unit / 2) / (weight + 1e-3)
    return {
        "noise": round(float(np.clip(noise, 0.001, 0.2)), 4),
        "blur": round(_blur(segments, level, unit), 3),
        "unevenness": round(float(np.clip(1.4826 * np.median(np.abs(slow[outside])), 0, 0.15)), 4),
        "grain": round(float(np.clip(np.percentile(local[outside], QUIET), 0, 0.15)), 4),
    }


def _blur(segments: Segments, level: float, unit: float) -> float:
    """Deviation of the Gaussian that makes a step as steep as the edges of the cells are."""
    signal, mask = segments.signal, segments.foreground
    border = mask ^ ndi.binary_erosion(mask, iterations=max(1, round(0.06 * unit)))
    border |= ndi.binary_dilation(mask, iterations=max(1, round(0.04 * unit))) & ~mask
    if not border.any():
        return 0.5
    height = float(np.median(signal[mask])) - level
    steep = float(np.percentile(ndi.gaussian_gradient_magnitude(signal, 0.5)[border], 85))
    sigma = height / (np.sqrt(2 * np.pi) * max(steep, 1e-6))
    return float(np.clip(np.sqrt(max(sigma**2 - 0.5, 0.09)), 0.3, 0.07 * unit))
