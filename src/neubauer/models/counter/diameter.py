"""How large are the cells of this image? Measured with the counter itself, at several scales."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neubauer.images.read import ImageSource
from neubauer.layouts.decode import Thresholds
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.layout import predict_layout
from neubauer.models.counter.objects import find_objects
from neubauer.nets.unet import LayoutNet

WINDOW = 640
"""Side of the windows that are looked at, in pixels at the scale of the model."""
STEP = 1.6
"""Ratio of neighbouring guesses; the network tolerates sizes that are off by its square root."""
LIKE = 1.5
"""Objects count as of the guessed size within this ratio."""
REFINEMENTS = 2


def estimate_diameter(
    network: LayoutNet,
    spec: LayoutSpec,
    thresholds: Thresholds,
    source: ImageSource,
    limits: np.ndarray,
    expected: tuple[float, float],
) -> float | None:
    """Typical cell diameter of an image, in its pixels.

    The network sees parts of the image scaled as for a series of guesses; the best guess is the one whose objects of
    about that size cover most of the image, each weighted with its foreground probability. From their median diameter
    on, that of all objects is measured twice, each time at the scale found before: training images are scaled by the
    median of all their cells too, and the small ones show at the right scale only.

    Parameters
    ----------
    network, spec, thresholds : the counter.
    source, limits : the image and its normalisation.
    expected : smallest and largest diameter that the counter was trained for.

    Returns
    -------
    The diameter, or None where no guess finds objects of its own size.
    """
    low, high = expected
    n = int(np.ceil(np.log(high / low) / np.log(STEP)))
    guesses = np.geomspace(low, high, n + 1) if n else np.array([low])
    best, diameter = 0.0, None
    for guess in guesses:
        found, weight, pixels = _look(network, spec, thresholds, source, limits, guess)
        like = (found > guess / LIKE) & (found < guess * LIKE)
        cover = float((weight[like] * found[like] ** 2).sum() / pixels)
        if cover > best:
            best, diameter = cover, float(np.median(found[like]))
    if diameter is None:
        return None
    for _ in range(REFINEMENTS):
        found, _, _ = _look(network, spec, thresholds, source, limits, diameter)
        if len(found):
            diameter = float(np.clip(np.median(found), diameter / LIKE, diameter * LIKE))
    return diameter


def _look(
    network: LayoutNet, spec: LayoutSpec, thresholds: Thresholds, source: ImageSource, limits: np.ndarray, guess: float
) -> tuple[np.ndarray, np.ndarray, int]:
    """(N,) diameters and foreground probabilities of the objects of the windows, and the area of these in pixels."""
    scale = spec.diameter / guess
    diameters, weights, pixels = [], [], 0
    for window in _windows(source.shape[1:], round(WINDOW / scale)):
        layout = predict_layout(network, spec, source, limits, scale, window=window)
        objects = find_objects(layout, thresholds, spec.diameter)
        diameters.append(objects.diameters)
        weights.append(1 / (1 + np.exp(-objects.features[:, 1])))
        pixels += layout.shape[0] * layout.shape[1]
    return np.concatenate(diameters), np.concatenate(weights), pixels


def _windows(shape: tuple[int, ...], side: int) -> Iterator[tuple[int, int, int, int]]:
    """The whole image if it is not much larger than a window, else three windows on its diagonal."""
    if max(shape) <= 1.5 * side:
        yield 0, shape[0], 0, shape[1]
        return
    for place in (0.5, 0.15, 0.85):
        y, x = (max(0, int(place * (n - side))) for n in shape)
        yield y, min(y + side, shape[0]), x, min(x + side, shape[1])
