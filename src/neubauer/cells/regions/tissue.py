"""Where is the tissue? What differs from the ground of an image: white or dark."""

from __future__ import annotations

import math
from functools import reduce as fold

import numpy as np
import shapely
from scipy import ndimage as ndi
from shapely.geometry.base import BaseGeometry
from skimage.filters import threshold_otsu
from skimage.measure import find_contours
from skimage.morphology import remove_small_holes, remove_small_objects

from neubauer.cells.regions.prepare import make_regions
from neubauer.cells.regions.regions import Region, Regions
from neubauer.images.reduce import reduce
from neubauer.images.source import ImageSource

KIND = "tissue"
SIDE = 1024
"""Longest side of the small version of an image that tissue is found on, in its pixels."""
SMOOTH = 1 / 256
"""Standard deviation of the smoothing, as a share of the longest side: cells of a tissue flow together."""
GAP = 1 / 80
"""Gaps that are closed, half their width in the same unit."""
SPECK = 0.004
"""Pieces of less than this share of the image are specks; holes of less are filled."""
DENSITY = (0.035, 0.05)
"""Limits of the threshold on bright ground, optical density: glass with noise and shading below, pale tissue above."""
LAMP = 0.95
"""The lamp is at least this bright in each channel, as a share of the brightest: pale pink tissue is no glass."""
BRIGHT = 0.4
"""Images of three channels whose median is above this share of the brightest have bright ground, or are all tissue."""
NOISE = 5.0
"""On dark ground tissue is at least so many standard deviations of the (smoothed) noise above it."""


def find_tissue(image: ImageSource) -> Regions:
    """The pieces of tissue of an image, the largest first, as regions `tissue 1`, `tissue 2` ... of the class `tissue`.

    Of a small version of the image (block means, at most 1,024 pixels a side), smoothed, it is decided whether the
    ground is bright: it has three channels, and its median is above 0.4 times the brightest. Then each pixel gets

    - on bright ground its optical density -log10(I / I0), of the channel where it is highest; I0 is the percentile 99
      of the channel, or 0.95 times that of the brightest one (Ruifrok and Johnston 2001);
    - on dark ground the logarithm of its height above the ground in units of the noise, of the channel where it stands
      out most.

    Otsu's threshold (1979) parts tissue from ground, within limits: where all is tissue, or nothing,
    Otsu's alone would part what belongs together. Specks are dropped, and small holes filled (less than 0.4 % of the
    image); larger ones, such as lumina and tears, stay holes. Outlines are those of the small version, smoothed.

    Returns
    -------
    Regions : without any where there is no tissue; `notes` says so.

    Raises
    ------
    InputError : the image is damaged or has no finite pixel.
    """
    shape = image.shape[1:]
    step = max(1, -(-max(shape) // SIDE))
    small = reduce(image, step)
    tissue = tissue_mask(small)
    pieces, n = ndi.label(tissue)
    areas = sorted((_outline(pieces == i + 1, step) for i in range(n)), key=lambda a: -a.area)
    drawn = [Region(f"{KIND} {i}", area, KIND) for i, area in enumerate(areas, 1)]
    if not drawn:
        return Regions(shape, (), ("no tissue is found: nothing is counted",))
    return make_regions(drawn, shape, image.path)


def tissue_mask(pixels: np.ndarray) -> np.ndarray:
    """(Y, X) bool: the tissue of a small image (C, Y, X), see `find_tissue`."""
    sigma = max(SMOOTH * max(pixels.shape[1:]), 0.5)
    smooth = np.stack([ndi.gaussian_filter(channel.astype(np.float64), sigma) for channel in pixels])
    if ground_is_bright(smooth):
        signal, low, high = _density(smooth), *DENSITY
    else:
        signal, low, high = _above_ground(pixels, smooth, sigma), float(np.log1p(NOISE)), np.inf
    threshold = float(np.clip(threshold_otsu(signal), low, high)) if np.ptp(signal) else np.inf
    reach = math.ceil(GAP * max(pixels.shape[1:]))
    mask = np.pad(signal > threshold, reach + 1, mode="edge")
    mask = ndi.binary_closing(mask, iterations=reach)[reach + 1 : -reach - 1, reach + 1 : -reach - 1]
    least = max(1, round(SPECK * mask.size))
    return np.asarray(remove_small_holes(remove_small_objects(mask, max_size=least), max_size=least))


def ground_is_bright(pixels: np.ndarray) -> bool:
    """Whether an image (C, Y, X) has bright ground: three channels, and a median brightness above BRIGHT times the
    brightest, its percentile 99.5."""
    if len(pixels) != 3:
        return False
    median, brightest = np.percentile(pixels.mean(0), [50, 99.5])
    return bool(median > BRIGHT * brightest)


def _density(smooth: np.ndarray) -> np.ndarray:
    """Optical density of the channel where it is highest."""
    white = np.percentile(smooth, 99, axis=(1, 2), keepdims=True)
    white = np.maximum(white, LAMP * white.max())
    return np.asarray(-np.log10((smooth + 1) / (white + 1)).min(0))


def _above_ground(pixels: np.ndarray, smooth: np.ndarray, sigma: float) -> np.ndarray:
    """Logarithm of 1 + the height above the ground in standard deviations of the noise that smoothing leaves.

    The noise is that of the differences of neighbours, the ground the percentile 5 of nothing but noise.
    """
    best = np.zeros(smooth.shape[1:])
    for channel, soft in zip(pixels.astype(np.float64), smooth, strict=True):
        steps = np.abs(np.diff(channel, axis=1))
        noise = max(float(np.median(steps)) * 1.0484 if steps.size else 0.0, 1e-3 * float(np.ptp(soft)), 1e-9)
        left = noise / (2 * math.sqrt(math.pi) * sigma)
        ground = float(np.percentile(soft, 5)) + 1.645 * left
        best = np.maximum(best, np.log1p(np.maximum(soft - ground, 0) / left))
    return best


def _outline(mask: np.ndarray, step: int) -> BaseGeometry:
    """Smooth outline of one piece with its holes, in pixels of the image."""
    soft = np.pad(ndi.gaussian_filter(np.pad(mask, 3, mode="edge").astype(float), 1)[3:-3, 3:-3], 1)
    rings = [shapely.Polygon((ring[:, ::-1] - 0.5) * step) for ring in find_contours(soft, 0.5) if len(ring) > 3]
    return fold(shapely.symmetric_difference, sorted(rings, key=lambda r: -r.area), shapely.Polygon()).simplify(
        step / 4
    )
