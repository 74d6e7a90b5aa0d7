"""A detector without training, to compare `chamber-cells` with: lines taken away, then blobs of local contrast."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi
from skimage.filters import threshold_otsu
from skimage.measure import label, regionprops
from skimage.segmentation import watershed

from neubauer.chamber.rulings import Ruling

REACH = 8
"""Half width of the band around a line that is taken away, pixels (micrometres)."""
SIZES = (6.0, 28.0)
"""Diameters of cells, micrometres."""


def without_lines(light: np.ndarray, corner: np.ndarray, ruling: Ruling) -> np.ndarray:
    """A straightened image (Y, X) less, along every line, the median profile across it."""
    flat = light.copy()
    for axis in (0, 1):
        image = flat if axis == 0 else flat.T
        for at in np.unique(ruling.lines[axis][:, 1]):
            middle = round((at - corner[axis]) * 1000)
            low, high = max(0, middle - REACH - 6), min(image.shape[1], middle + REACH + 7)
            if high - low > 4:
                band = image[:, low:high]
                band -= ndi.median_filter(band, (151, 1), mode="nearest") - 1
    return flat


def find_cells(light: np.ndarray, corner: np.ndarray, ruling: Ruling) -> np.ndarray:
    """(N, 4) x0, y0, x1, y1 in pixels of a straightened image at one pixel to a micrometre."""
    flat = ndi.gaussian_filter(without_lines(light, corner, ruling) - 1, 0.8)
    energy = ndi.gaussian_filter(np.abs(flat - ndi.gaussian_filter(flat, 12)), 2.0)
    noise = np.median(energy)
    level = max(4 * noise, 0.6 * threshold_otsu(energy[energy > 2 * noise])) if (energy > 2 * noise).any() else np.inf
    mask = ndi.binary_fill_holes(ndi.binary_opening(energy > level, iterations=2))
    distance = ndi.gaussian_filter(ndi.distance_transform_edt(mask), 1.5)
    peaks = (distance == ndi.maximum_filter(distance, 9)) & (distance > SIZES[0] / 4)
    parts = watershed(-distance, label(peaks), mask=mask)
    found = []
    for part in regionprops(parts):
        if SIZES[0] < part.equivalent_diameter_area < SIZES[1] and part.eccentricity < 0.9 and part.solidity > 0.8:
            y0, x0, y1, x1 = part.bbox
            found.append((x0, y0, x1, y1))
    return np.array(found, float).reshape(-1, 4)
