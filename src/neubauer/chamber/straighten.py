"""A part of a photograph as it would be seen straight from above, in intensities relative to the background."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from neubauer.chamber.find.find import Found

PX_PER_UM = 1.0
"""Of straightened images; the counter knows cells at this scale alone."""
MARGIN_MM = 0.05
"""Around the squares, so that cells on their borders are seen whole."""
BACKGROUND = 100
"""Of straightened images of 8 bits, which hold the intensity relative to the background."""
BLOCK = 16
"""Side of the blocks whose medians make the background, pixels."""


@dataclass(frozen=True)
class Straight:
    """A window of a ruling.

    Attributes
    ----------
    light : (Y, X, C) intensities relative to the background; 1 where nothing is seen.
    corner : x, y in mm of its upper left corner.
    """

    light: np.ndarray
    corner: np.ndarray

    def to_mm(self, pixels: np.ndarray) -> np.ndarray:
        """(N, 2) x, y in mm of places in pixels, of which the first reaches from 0 to 1."""
        return np.asarray(self.corner + pixels / (1000 * PX_PER_UM))


def straighten(image: np.ndarray, found: Found) -> Straight:
    """The smallest window with all squares that are in view.

    Parameters
    ----------
    image : (C, Y, X).
    found : the ruling in it.
    """
    boxes = np.array([square.box for square in found.squares])
    corner, end = boxes[:, :2].min(0) - MARGIN_MM, boxes[:, 2:].max(0) + MARGIN_MM
    width, height = np.round((end - corner) * 1000 * PX_PER_UM).astype(int)
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    mm = corner + np.column_stack([x.ravel(), y.ravel()]) / (1000 * PX_PER_UM)
    pixels = found.projection.to_pixels(mm)
    seen = found.field.inside(pixels).reshape(height, width)
    shrunk = found.projection.px_per_mm((corner + end) / 2) / (1000 * PX_PER_UM)
    light = np.ones((height, width, len(image)), np.float32)
    for c, plane in enumerate(image):
        plane = plane.astype(np.float32)
        if shrunk > 1.3:  # else what is finer than the new pixels would be seen as noise
            plane = ndi.gaussian_filter(plane, 0.4 * np.sqrt(shrunk**2 - 1))
        values = ndi.map_coordinates(plane, pixels[:, ::-1].T, order=1, mode="nearest").reshape(height, width)
        light[..., c] = np.where(seen, values / np.maximum(background(values, seen), 1e-6), 1)
    return Straight(light, corner)


def background(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Smooth background of an image (Y, X): medians of blocks, smoothed; from what is seen alone."""
    height, width = (n // BLOCK * BLOCK for n in values.shape)
    masked = np.where(seen, values, np.nan)[:height, :width]
    parts = masked.reshape(height // BLOCK, BLOCK, width // BLOCK, BLOCK).swapaxes(1, 2)
    blocks = parts.reshape(height // BLOCK, width // BLOCK, -1)
    known = np.isfinite(blocks).mean(-1) > 0.5
    medians = np.zeros(known.shape)
    medians[known] = np.nanmedian(blocks[known], -1)
    weight = ndi.gaussian_filter(known.astype(float), 3)
    smooth = ndi.gaussian_filter(medians, 3) / np.maximum(weight, 1e-3)
    smooth = np.where(weight > 1e-3, smooth, np.median(medians[known]) if known.any() else 1)
    y, x = ((np.arange(n) + 0.5) / BLOCK - 0.5 for n in values.shape)
    return np.asarray(ndi.map_coordinates(smooth, np.meshgrid(y, x, indexing="ij"), order=1, mode="nearest"))


def as_pixels(light: np.ndarray) -> np.ndarray:
    """Intensities relative to the background as 8-bit pixels, as the counter sees them."""
    return np.asarray(np.clip(np.round(BACKGROUND * light), 0, 255).astype(np.uint8))
