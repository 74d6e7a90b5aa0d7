"""Filling in holes without a trained network."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

PATCH = 9
"""Side of the patches that are copied, pixels."""
CANDIDATES = 300
RIM = 32
"""Depth (pixels) to which a hole is filled in at full resolution; what lies deeper is so smooth that half of it will
do."""


def fill_biharmonic(image: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """Smooth continuation of the surroundings; see `continued`.

    Parameters
    ----------
    image : (C, Y, X).
    holes : (Y, X) bool.

    Returns
    -------
    (C, Y, X) in the data type of the image, which is unchanged outside of the holes.
    """
    return put(image, holes, continued(image, holes))


def continued(image: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """The surroundings of holes, continued into them as a biharmonic surface; `skimage.restoration.inpaint_biharmonic`.

    The middle of a wide hole is taken from an image of half the size, so that the time grows with its circumference.

    Parameters
    ----------
    image : (C, Y, X).
    holes : (Y, X) bool, not everywhere true.

    Returns
    -------
    (C, Y, X) float64, within the range of the image; outside of the holes the image.
    """
    from skimage.restoration import inpaint_biharmonic

    pixels = np.where(holes, 0, image).astype(np.float64)
    deep = ndi.distance_transform_edt(holes) > RIM
    if deep.any():
        pixels = np.where(deep, _coarse(pixels, holes), pixels)
    filled = inpaint_biharmonic(pixels, holes & ~deep, split_into_regions=True, channel_axis=0)
    known = image[:, ~holes]
    return np.clip(filled, known.min(), known.max())


def _coarse(pixels: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """The same, continued at half the size."""
    from skimage.transform import resize

    height, width = holes.shape
    even = [(0, height % 2), (0, width % 2)]
    known = np.pad(~holes, even, mode="edge").astype(np.float64)
    sums = _halves(np.pad(pixels * ~holes, [(0, 0), *even], mode="edge"))
    weights = _halves(known[None])
    half = continued(sums / np.maximum(weights, 1e-9), weights[0] == 0)
    return resize(half, (len(half), *known.shape), order=1)[:, :height, :width]


def _halves(pixels: np.ndarray) -> np.ndarray:
    """(C, Y, X) -> (C, Y / 2, X / 2): sums of two by two pixels."""
    channels, height, width = pixels.shape
    return pixels.reshape(channels, height // 2, 2, width // 2, 2).sum((2, 4))


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
