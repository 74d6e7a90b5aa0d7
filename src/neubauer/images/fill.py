"""Filling in holes without a trained network."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

PATCH = 9
"""Side of the patches that are copied, pixels."""
CANDIDATES = 300


def fill_biharmonic(image: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Smooth continuation of the surroundings; `skimage.restoration.inpaint_biharmonic`.

    Parameters
    ----------
    image : (C, Y, X).
    holes : (Y, X) bool.

    Returns
    -------
    (C, Y, X) in the data type of the image, which is unchanged outside of the holes.
    """
    from skimage.restoration import inpaint_biharmonic

    pixels = np.where(holes, 0, image).astype(np.float64)
    filled = inpaint_biharmonic(pixels, holes, split_into_regions=True, channel_axis=0)
    return put(image, holes, np.clip(filled, image.min(), image.max()))


def fill_texture(image: np.ndarray, holes: np.ndarray, seed: int = 0) -> np.ndarray:
    """Copies of the patches whose known part is most like what surrounds each place, from the border of a hole inwards.

    Exemplar-based filling (Criminisi et al., IEEE TIP 2004) with a random choice of patches to compare. Parameters and
    result as `fill_biharmonic`.
    """
    rng = np.random.default_rng(seed)
    r = PATCH // 2
    work = np.pad(image.astype(np.float32), [(0, 0), (r, r), (r, r)], mode="reflect")
    unknown = np.pad(holes, r)
    whole = ~ndi.binary_dilation(np.pad(holes, r, constant_values=True), np.ones((PATCH, PATCH)))
    sources = np.argwhere(whole)
    if not len(sources):  # no patch without a hole: there is nothing to copy
        return fill_biharmonic(image, holes)
    while unknown.any():
        border = np.argwhere(unknown & ndi.binary_dilation(~unknown))
        for y, x in border[:: max(1, r)]:
            if not unknown[y, x]:
                continue
            at = (slice(y - r, y + r + 1), slice(x - r, x + r + 1))
            gap = unknown[at]
            chosen = sources[rng.integers(len(sources), size=CANDIDATES)]
            patches = np.stack([work[:, a - r : a + r + 1, b - r : b + r + 1] for a, b in chosen])
            error = (((patches - work[:, at[0], at[1]]) ** 2) * ~gap).sum((1, 2, 3))
            work[:, at[0], at[1]][:, gap] = patches[int(error.argmin())][:, gap]
            unknown[at] = False
    return put(image, holes, work[:, r:-r, r:-r])


def put(image: np.ndarray, holes: np.ndarray, filled: np.ndarray) -> np.ndarray:
    """`filled` (floats) in the holes, the image's own pixels elsewhere; in the image's data type."""
    if image.dtype.kind in "ui":
        info = np.iinfo(image.dtype)
        filled = np.clip(np.round(filled), info.min, info.max)
    return np.where(holes, filled.astype(image.dtype), image)
