"""Backgrounds of real images: what is left when the cells are taken away."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

SHIFTS = 40
MARGIN = 0.12
"""The foreground is widened by this many cell diameters before it is replaced."""


def clear_background(image: np.ndarray, foreground: np.ndarray, unit: float, rng: np.random.Generator) -> np.ndarray:
    """Replace the cells of an image by background from elsewhere in it.

    A pixel of a cell takes the value that lies at one of a few random distances, the same for its neighbours, where
    there is background; the seams are smoothed. Where nowhere is any, smooth colour is filled in.

    Parameters
    ----------
    image : (C, Y, X).
    foreground : (Y, X) bool.
    unit : typical cell diameter, pixels.

    Returns
    -------
    (C, Y, X) float16.
    """
    reach = max(1, round(MARGIN * unit))
    holes = ndi.binary_dilation(foreground, iterations=reach)
    result = image.copy()
    todo = holes.copy()
    height, width = holes.shape
    for _ in range(SHIFTS):
        if not todo.any():
            break
        far = np.maximum(np.array([height, width]) * 0.4, unit)
        dy, dx = (int(v) for v in rng.uniform(-far, far))
        shifted, bare = (np.roll(a, (dy, dx), (-2, -1)) for a in (image, ~holes))
        # whole patches only: a pixel counts if all around it there is background too
        good = todo & ndi.binary_erosion(bare, iterations=max(1, reach // 2))
        result[:, good] = shifted[:, good]
        todo &= ~good
    if todo.any():
        known = (~todo).astype(np.float32)
        weight = ndi.gaussian_filter(known, unit) + 1e-6
        smooth = ndi.gaussian_filter(result * known, (0, unit, unit)) / weight
        result[:, todo] = smooth[:, todo]
    seam = ndi.gaussian_filter(holes.astype(np.float32), 1.5)
    seam = 4 * seam * (1 - seam) * holes
    soft = ndi.gaussian_filter(result, (0, 1.5, 1.5))
    return (result + seam * (soft - result)).astype(np.float16)
