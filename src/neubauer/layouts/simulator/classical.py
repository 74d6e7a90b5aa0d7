"""Cells of an image by classical means: a signal, a threshold, thickness. Coarse, but without annotation or training.

What comes out is good enough for statistics over many images (colours, density, sizes), not for counting.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from neubauer.cells.measure import measure

SMALL, LARGE = 0.12, 1.0
"""Band of the signal: blurred at both scales (standard deviations in cell diameters)."""
BINS = 256
LEVELS = 10
SOLID = 0.85
SIZE_RATIO = 1.6
"""Pieces are taken for cells of a kind whose diameter they have within this ratio."""


@dataclass(frozen=True)
class Segments:
    """Foreground of one image, cut into pieces of about one cell.

    Attributes
    ----------
    signal : (Y, X), larger in cells than in the background.
    foreground : (Y, X) bool.
    labels : (Y, X) int32, piece i has label i + 1.
    diameters : (N,) of each piece, pixels: of the disc of the same area where it is a compact region of its own, else
        of the largest disc that fits into it.
    contrast : between foreground and background, in units of the noise of the blurred background.
    """

    signal: np.ndarray
    foreground: np.ndarray
    labels: np.ndarray
    diameters: np.ndarray
    contrast: float


def band(image: np.ndarray, diameter: float) -> np.ndarray:
    """(..., Y, X) structures of about the size of a cell: difference of two blurs."""
    axes = (image.ndim - 2, image.ndim - 1)
    small, large = (ndi.gaussian_filter(image, s * diameter, mode="reflect", axes=axes) for s in (SMALL, LARGE))
    return small - large


def signal_axis(images: Sequence[np.ndarray], diameter: float) -> np.ndarray:
    """(C,) weights of the channels in whose sum cell-sized structures stand out most; their sum is not negative.

    First principal component of the band-passed images.
    """
    channels = len(images[0])
    if channels == 1:
        return np.ones(1, np.float32)
    covariance = np.zeros((channels, channels))
    for image in images:
        flat = band(image, diameter).reshape(channels, -1)
        covariance += flat @ flat.T / flat.shape[1]
    axis = np.linalg.eigh(covariance)[1][:, -1].astype(np.float32)
    return axis if axis.sum() >= 0 else -axis


def segment(signal: np.ndarray, diameters: Sequence[float]) -> Segments:
    """Threshold a signal and cut the foreground where it is thin.

    The threshold is that at which compact pieces of a plausible size cover most of the image (in the spirit of
    maximally stable regions, Matas et al., BMVC 2002).

    Parameters
    ----------
    signal : (Y, X), larger in cells.
    diameters : of the kinds of cells, pixels.
    """
    unit = float(np.median(diameters))
    smooth = ndi.gaussian_filter(signal, max(0.5, 0.04 * unit))
    low, high = np.percentile(smooth, [0.5, 99.5])
    back = most_frequent(np.clip(smooth, low, high))
    levels = back + (high - back) * np.linspace(0.1, 0.85, LEVELS)
    sure = [_plausible(smooth > level, diameters) for level in levels]
    threshold = levels[int(np.argmax(sure))]
    mask = _clean(smooth > threshold, unit, min(diameters)) if max(sure) > 0 else np.zeros(signal.shape, bool)
    rest, front = smooth[~mask], smooth[mask]
    noise = 1.4826 * float(np.median(np.abs(rest - np.median(rest)))) + 1e-4 if rest.size else 1e-4
    contrast = (float(np.median(front)) - float(np.median(rest))) / noise if front.size and rest.size else 0.0
    labels, found = _pieces(mask, diameters)
    return Segments(signal, mask, labels, found, contrast)


def _pieces(mask: np.ndarray, diameters: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Labels and diameters: compact regions of the foreground whole, others cut where they are thin."""
    from skimage.segmentation import watershed

    unit = float(np.median(diameters))
    regions, n = ndi.label(mask)
    if not n:
        return np.zeros(mask.shape, np.int32), np.zeros(0)
    table = measure(regions)
    size = table["equivalent_diameter_area"].to_numpy()
    whole = (table["solidity"].to_numpy() > SOLID) & (size < SIZE_RATIO * max(diameters))
    single = np.append(False, whole)[regions]
    depth = ndi.distance_transform_edt(np.pad(mask & ~single, 1, mode="edge"))[1:-1, 1:-1]
    depth = ndi.gaussian_filter(depth, 0.08 * unit)
    reach = 2 * max(1, round(0.3 * unit)) + 1
    peaks = (depth == ndi.maximum_filter(depth, reach)) & (depth > 0.15 * min(diameters)) & mask & ~single
    markers, m = ndi.label(peaks, np.ones((3, 3)))
    labels = watershed(-depth, markers, mask=mask & ~single).astype(np.int32) if m else np.zeros(mask.shape, np.int32)
    # the largest disc that fits inside is somewhat smaller than the cell
    thickness = 2 * np.atleast_1d(ndi.maximum(depth, markers, np.arange(1, m + 1))) / 0.9 if m else np.zeros(0)
    number = np.zeros(n + 1, np.int32)
    number[1:][whole] = m + 1 + np.arange(whole.sum())
    labels = np.where(single, number[regions], labels).astype(np.int32)
    return labels, np.concatenate([thickness, size[whole]])


def most_frequent(values: np.ndarray) -> float:
    """The most frequent value: the background, where that is even."""
    counts, edges = np.histogram(values, BINS)
    counts = ndi.gaussian_filter1d(counts.astype(float), 3)
    i = int(counts.argmax())
    return float((edges[i] + edges[i + 1]) / 2)


def _clean(mask: np.ndarray, unit: float, smallest: float) -> np.ndarray:
    from skimage.morphology import remove_small_holes, remove_small_objects

    filled = remove_small_holes(mask, max_size=round(0.4 * np.pi / 4 * unit**2))
    return remove_small_objects(filled, max_size=round(0.3 * np.pi / 4 * smallest**2))


def _plausible(mask: np.ndarray, diameters: Sequence[float]) -> float:
    """Area of the compact pieces that have the size of a cell of one of the kinds, over that of the image."""
    pieces, n = ndi.label(ndi.binary_fill_holes(mask))
    if not n:
        return 0.0
    table = measure(pieces)
    ratio = np.abs(np.log(table["equivalent_diameter_area"].to_numpy()[:, None] / np.array(diameters)))
    good = (ratio.min(1) < np.log(SIZE_RATIO)) & (table["solidity"].to_numpy() > SOLID)
    return float(table["area"].to_numpy()[good].sum() / mask.size)
