"""The cell in the middle of a crop, by classical means: for sizes and shapes where nobody drew an outline."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi


def central_mask(pixels: np.ndarray) -> np.ndarray:
    """The object in the middle of a crop.

    Pixels are foreground where their colour is far from that of the crop's border (Otsu's threshold on the distance,
    Otsu, IEEE Trans. SMC 9:62, 1979); holes are filled, and of the connected regions that is taken which covers most of
    the middle.

    Parameters
    ----------
    pixels : (C, Y, X) of any type.

    Returns
    -------
    (Y, X) bool; without any True where the crop is of one colour or nothing lies in the middle.
    """
    from skimage.filters import threshold_otsu

    image = ndi.gaussian_filter(np.asarray(pixels, np.float32), (0, 1, 1))
    height, width = image.shape[1:]
    frame = np.ones((height, width), bool)
    edge = max(1, min(height, width) // 16)
    frame[edge:-edge, edge:-edge] = False
    distance = np.sqrt(((image - np.median(image[:, frame], 1)[:, None, None]) ** 2).sum(0))
    if distance.max() <= 0:
        return np.zeros((height, width), bool)
    filled = ndi.binary_fill_holes(distance > threshold_otsu(distance))
    regions, _ = ndi.label(ndi.binary_opening(filled))
    y, x = np.ogrid[:height, :width]
    nearness = np.exp(-(((y - (height - 1) / 2) / height) ** 2 + ((x - (width - 1) / 2) / width) ** 2) * 32)
    share = np.bincount(regions.ravel(), nearness.ravel())
    share[0] = 0
    return (regions == share.argmax()) & (share.max() > 0)


def central_diameter(pixels: np.ndarray) -> float:
    """Diameter in pixels of the disc with the area of the object in the middle of a crop (C, Y, X); 0 if there is
    none."""
    return float(2 * np.sqrt(central_mask(pixels).sum() / np.pi))
