"""A ruling as an image."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from neubauer.chamber.rulings import Ruling
from neubauer.chamber.simulate.style import Style

Window = tuple[float, float, float, float]
"""x0, y0, x1, y1 in mm, of the ruling."""


def line_image(
    ruling: Ruling, window: Window, shape: tuple[int, int], style: Style, rng: np.random.Generator
) -> np.ndarray:
    """(Y, X) contrast of the lines in a window; each is a little uneven along its length."""
    x = window[0] + (np.arange(shape[1]) + 0.5) * (window[2] - window[0]) / shape[1]
    y = window[1] + (np.arange(shape[0]) + 0.5) * (window[3] - window[1]) / shape[0]
    found = np.zeros(shape, np.float32)
    fringes = np.zeros(shape, np.float32)
    width = style.line_width / 1000
    ends = [(-ruling.overhang, size + ruling.overhang) for size in ruling.size]
    segments = [(0, at, *ends[1]) for at in ruling.lines[0][:, 0]] + [(1, at, *ends[0]) for at in ruling.lines[1][:, 0]]
    segments += [(0, a, b, d) if a == c else (1, b, a, c) for a, b, c, d in ruling.fine.tolist()]
    for axis, at, start, end in segments:
        across, along = (x, y) if axis == 0 else (y, x)
        near = np.flatnonzero(np.abs(across - at) < 5 * width)
        there = np.flatnonzero((along >= start) & (along <= end))
        if not len(near) or not len(there):
            continue
        uneven = 1 + 0.15 * ndi.gaussian_filter1d(rng.standard_normal(len(there)), 25) * 8
        d = (across[near] - at) / width
        line, fringe = np.exp(-((d / 0.55) ** 4)), np.exp(-(((np.abs(d) - 1.6) / 0.7) ** 2))
        index = np.ix_(there, near) if axis == 0 else np.ix_(near, there)
        order = (lambda a, b: np.outer(b, a)) if axis == 0 else np.outer
        found[index] = np.maximum(found[index], order(line, np.clip(uneven, 0.3, 1.3)))
        fringes[index] = np.maximum(fringes[index], order(fringe, np.ones(len(there))))
    return np.asarray(style.line * found - np.sign(style.line) * style.fringe * fringes * (1 - np.clip(found, 0, 1)))
