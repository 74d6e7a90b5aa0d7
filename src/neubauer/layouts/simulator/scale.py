"""How large are the cells of unlabelled images? From their foreground, without knowing anything about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from neubauer.cells.measure import measure
from neubauer.errors import InputError
from neubauer.layouts.simulator.classical import LEVELS, most_frequent

SOLID = 0.88
"""Pieces of the foreground that fill this share of their convex hull are taken for single cells."""
SURE, CLEAR = 0.35, 0.6
"""An image says how large its cells are if such pieces make up this share of its foreground; clearly, if this one."""
LEAST_AREA, MOST_AREA = 30, 0.2
"""Of such pieces, in pixels and as a share of the image."""
ONE_SCALE = 0.25
"""If the diameters of the images differ less than this (standard deviation of the logarithm), they are of one
magnification."""
FACTOR_OF_TWO = 1.7


@dataclass(frozen=True)
class Scale:
    """Of one image: `diameter` (pixels) of its pieces, and `solid`, the share of the foreground that it rests on."""

    diameter: float
    solid: float

    @property
    def sure(self) -> bool:
        return self.solid >= SURE and np.isfinite(self.diameter)


def measure_scale(image: np.ndarray, bright_cells: bool) -> Scale:
    """Typical diameter of the compact pieces of the foreground.

    The threshold is Otsu's (1979), or where that does not part the image into compact pieces, the one at which such
    pieces cover most of it. Pieces weigh in proportion to their diameter: specks are many, but small.

    Parameters
    ----------
    image : (C, Y, X), any scale.
    bright_cells : whether cells are brighter than the background.
    """
    from skimage.filters import threshold_otsu

    smooth = ndi.gaussian_filter(image.mean(0) * (1 if bright_cells else -1), 1)
    low, high = np.percentile(smooth, [0.5, 99.5])
    if not high > low:
        return Scale(float("nan"), 0.0)
    clipped = np.clip(smooth, low, high)
    found, _ = _compact(smooth > threshold_otsu(clipped))
    if found.solid >= CLEAR:
        return found
    back = most_frequent(clipped)
    tried = [_compact(smooth > level) for level in back + (high - back) * np.linspace(0.12, 0.85, LEVELS)]
    return max(tried, key=lambda item: item[1])[0]


def _compact(mask: np.ndarray) -> tuple[Scale, float]:
    """Scale of the compact pieces of a mask, and the share of the image that they cover."""
    pieces, n = ndi.label(ndi.binary_fill_holes(ndi.binary_opening(mask)))
    if not n:
        return Scale(float("nan"), 0.0), 0.0
    table = measure(pieces)
    area, solidity = table["area"].to_numpy(), table["solidity"].to_numpy()
    single = (area >= LEAST_AREA) & (solidity >= SOLID) & (area < MOST_AREA * mask.size)
    if not single.any():
        return Scale(float("nan"), 0.0), 0.0
    d = np.sort(2 * np.sqrt(area[single] / np.pi))
    weight = np.cumsum(d)
    middle = float(d[np.searchsorted(weight, weight[-1] / 2)])
    return Scale(middle, float(area[single].sum() / area.sum())), float(area[single].sum() / mask.size)


def corrected(scales: Sequence[Scale], annotated: Sequence[float | None]) -> float | None:
    """Typical diameter of all images: as measured, corrected by how far that is off in those that are annotated.

    For images of several magnifications: the few that are annotated may all be of one of them, but how far the
    measurement is off hardly depends on it.

    Parameters
    ----------
    scales : of the images.
    annotated : their typical diameters (pixels) by the annotation; None where there is none.

    Returns
    -------
    pixels; None where no annotated image can be measured, or all images are of one magnification: it is then that of
    the annotated ones.
    """
    off = [a / s.diameter for s, a in zip(scales, annotated, strict=True) if a is not None and s.sure]
    measured = np.array([s.diameter for s in scales if s.sure])
    if not off or np.log(measured).std() < ONE_SCALE:
        return None
    return float(np.median(measured) * np.median(off))


def diameters(scales: Sequence[Scale], given: float | None) -> tuple[np.ndarray, list[str]]:
    """Typical cell diameter of each image, and what to be warned of.

    Images of one magnification share one diameter: that given, else the median measured. Where magnifications are
    mixed, each image has its own.

    Parameters
    ----------
    scales : of the images.
    given : what the user says, pixels; None to go by the measurements.

    Raises
    ------
    InputError : no diameter is given and the images do not say it.
    """
    measured = np.array([s.diameter if s.sure else np.nan for s in scales])
    known = np.isfinite(measured)
    enough = known.sum() >= max(1, 0.3 * len(scales))
    if not enough:
        if given is None:
            found = f"compact structures in {known.sum()} of {len(scales)} images only"
            raise InputError("diameter", found, "the typical diameter of the cells in pixels")
        return np.full(len(scales), float(given)), []
    typical = float(np.median(measured[known]))
    warnings = []
    ratio = typical / given if given else 1.0
    if not 1 / FACTOR_OF_TWO <= ratio <= FACTOR_OF_TWO:
        warnings.append(
            f"the diameter given is {given:g} px, but compact structures in the images measure about {typical:.0f} px"
        )
    spread = float(np.log(measured[known]).std())
    if spread < ONE_SCALE:
        return np.full(len(scales), float(given or typical)), warnings
    low, high = np.quantile(measured[known], [0.1, 0.9])
    warnings.append(f"the images seem to be of different magnifications: cells of about {low:.0f} to {high:.0f} px")
    own = np.where(known, measured, typical)
    return own * (given / typical if given and not warnings[:-1] else 1.0), warnings
