"""The lit field of a photograph through an eye-piece: where it is, and how round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi
from skimage.filters import threshold_otsu
from skimage.measure import EllipseModel, label, ransac, regionprops

LOOKED_AT = 600
"""The longer side of the image in which the field is looked for, pixels."""
DARK = 0.45
"""What is around the field is at most this share as bright as the field."""
STRETCHED = 1.07
"""Fields whose axes differ less are round; those that differ more were stretched with the whole photograph."""


@dataclass(frozen=True)
class Field:
    """The lit field.

    Attributes
    ----------
    mask : (Y, X) bool at a coarser scale, `zoom` times the size of the image.
    zoom : of the mask.
    centre : x, y in the image, pixels.
    shape : (2, 2), takes offsets from the centre in pixels to those in radii of the field; the rim is at length 1.
    """

    mask: np.ndarray
    zoom: float
    centre: np.ndarray
    shape: np.ndarray

    @property
    def radius(self) -> float:
        """Pixels; the mean of both axes."""
        return float(1 / np.sqrt(abs(np.linalg.det(self.shape))))

    def inside(self, points: np.ndarray) -> np.ndarray:
        """(N,) whether points (N, 2; x, y in pixels of the image) lie in it."""
        at = np.floor((points + 0.5) * self.zoom).astype(int)
        height, width = self.mask.shape
        ok = (at >= 0).all(1) & (at[:, 0] < width) & (at[:, 1] < height)
        at = np.clip(at, 0, [width - 1, height - 1])
        return np.asarray(ok & self.mask[at[:, 1], at[:, 0]])


def find_field(grey: np.ndarray) -> Field:
    """The field of an image (Y, X); the whole image where nothing dark is around it."""
    zoom = min(1.0, LOOKED_AT / max(grey.shape))
    small = ndi.zoom(ndi.gaussian_filter(grey, 0.4 / zoom), zoom, order=1) if zoom < 1 else grey
    smooth = ndi.gaussian_filter(small, 2)
    level = threshold_otsu(smooth)
    lit = smooth > level
    whole = np.ones(small.shape, bool)
    zooms = min(small.shape[0] / grey.shape[0], small.shape[1] / grey.shape[1])
    if lit.all() or not lit.any() or np.median(smooth[~lit]) > DARK * np.median(smooth[lit]):
        return _round(whole, zooms)
    level = 0.5 * (np.median(smooth[~lit]) + np.median(smooth[lit]))
    parts = label(smooth > min(level, 0.6 * np.median(smooth[lit])))
    mask = parts == max(regionprops(parts), key=lambda p: p.area).label
    mask = ndi.binary_fill_holes(mask)
    mask = ndi.binary_opening(np.pad(mask, 8, mode="edge"), iterations=5)[8:-8, 8:-8]
    edge = _dark_border(small.shape, mask)
    if mask.mean() < 0.03 or edge < 0.25:
        return _round(whole, zooms)
    return _fitted(mask, zooms)


def _dark_border(shape: tuple[int, ...], mask: np.ndarray) -> float:
    """Share of the border of the image that is outside of the field."""
    rim = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
    return float((~rim).mean())


def _round(mask: np.ndarray, zoom: float) -> Field:
    height, width = (n / zoom for n in mask.shape)
    radius = np.hypot(height, width) / 2
    return Field(mask, zoom, np.array([width - 1, height - 1]) / 2, np.eye(2) / radius)


def _fitted(mask: np.ndarray, zoom: float) -> Field:
    """The ellipse through that part of the outline which is not the border of the image."""
    outline = mask & ~ndi.binary_erosion(mask, border_value=1)
    y, x = np.nonzero(outline)
    inner = (y > 1) & (y < mask.shape[0] - 2) & (x > 1) & (x < mask.shape[1] - 2)
    points = np.column_stack([x, y])[inner].astype(float)
    area = np.sqrt(mask.sum() / np.pi)
    centre, radius = np.array(ndi.center_of_mass(mask))[::-1], np.array([area, area])
    angle = 0.0
    if len(points) >= 30:
        model, kept = ransac(points, EllipseModel, 6, 2.5, max_trials=150, rng=np.random.default_rng(0))
        if model is not None and kept is not None and kept.mean() > 0.4:
            (xc, yc), (a, b), t = model.center, model.axis_lengths, model.theta
            if 0.7 * area < min(a, b) and max(a, b) < 2 * area:
                centre, radius, angle = np.array([xc, yc]), np.array([a, b]), t
    if radius.max() / radius.min() < STRETCHED:
        radius[:] = radius.mean()
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shape = turn.T @ np.diag(zoom / radius) @ turn
    return Field(ndi.binary_erosion(mask, iterations=2, border_value=1), zoom, (centre + 0.5) / zoom - 0.5, shape)
