"""Cells to layout: masks, boxes and points all become the same maps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from neubauer.layouts.spec import STRIDE, LayoutSpec

CENTRE_SIGMA = 0.13
"""Width of a peak in the centre map, in cell diameters."""
POINT_RADIUS = 0.3
"""Pixels nearer to a point than this (in cell diameters) are taken to be of its cell; of others nothing is known."""
BORDER = 0.12
"""Pixels nearer than this (in cell diameters) to the outline of a cell are its border."""
LEAST_KEPT = 0.2
"""Of a cell in the corner of an image, a quarter of its Gaussian lies inside."""


@dataclass(frozen=True)
class Marks:
    """Cells of one image or crop as pixels, whatever they were annotated with.

    Attributes
    ----------
    labels : (Y, X) int, instance of each pixel, 0 elsewhere; cell i of the arrays below is label i + 1.
    centres : (N, 2) y, x in pixels.
    class_index : (N,), -1 where unknown.
    diameters : (N,) pixels.
    unknown_extent : (Y, X) bool, where foreground and offsets are not known (box corners, surroundings of points).
    ignore : (Y, X) bool, where nothing is known.
    """

    labels: np.ndarray
    centres: np.ndarray
    class_index: np.ndarray
    diameters: np.ndarray
    unknown_extent: np.ndarray
    ignore: np.ndarray


def encode(marks: Marks, spec: LayoutSpec, border_weight: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """The layout of the marked cells, and where it is known.

    Parameters
    ----------
    marks : cells at the scale of the layout (typical diameter `spec.diameter`), (Y, X) both even.
    spec : the maps to make.
    border_weight : how much more the borders of cells weigh in the maps that part them (after Ronneberger et al.,
        MICCAI 2015).

    Returns
    -------
    maps, known : (M, Y / 2, X / 2) float32; `known` is the weight in the loss: 0 where the map is not known, else 1, or
        `border_weight`.
        `centre`: Gaussian peaks of height 1 inside their own cell. `offset-*`: vector to the own centre in units of
        `spec.diameter`. `foreground`: share of foreground pixels. `class-*`: 1 where the cell is of the class.
        `density-*`: sums to the number of cells of the class, also at the image border.
    """
    labels = marks.labels
    height, width = labels.shape
    shape = (height // STRIDE, width // STRIDE)
    maps = np.zeros((spec.channels, *shape), np.float32)
    known = np.ones_like(maps)

    own = labels[::STRIDE, ::STRIDE]  # any fixed pixel of the 2 x 2 block serves, offsets are from the block's middle
    inside = own > 0
    grid = np.indices(shape, dtype=np.float32) * STRIDE + (STRIDE - 1) / 2
    if len(marks.centres):
        to_centre = np.moveaxis(marks.centres.astype(np.float32)[own - 1], -1, 0) - grid
        sigma = np.clip(CENTRE_SIGMA * marks.diameters, 0.9 * STRIDE, 3.5 * STRIDE).astype(np.float32)[own - 1]
        maps[spec.centre] = np.where(inside, np.exp(-(to_centre**2).sum(0) / (2 * sigma**2)), 0)
        maps[spec.offset] = np.where(inside, to_centre / spec.diameter, 0)
    maps[spec.foreground] = _block_mean(labels > 0)
    extent_known = 1 - _block_mean(marks.unknown_extent)
    known[spec.offset] = inside
    known[spec.foreground] = extent_known > 0.99
    if border_weight != 1:
        border = _border(own, known[spec.foreground] > 0, max(1, round(BORDER * spec.diameter / STRIDE)))
        for part in (spec.centre, spec.offset, spec.foreground):
            known[part] *= np.where(border, border_weight, 1)

    of_class = np.append(marks.class_index, -1)[own - 1]
    for k in range(len(spec.classes)):
        maps[4 + k] = inside & (of_class == k)
    known[spec.class_maps] = inside & (of_class >= 0)
    sigma_pixels = spec.density_sigma * spec.diameter / STRIDE
    ignored = _block_mean(marks.ignore)
    maps[spec.density] = density(marks.centres, marks.class_index, len(spec.classes), ignored < 1, sigma_pixels)
    if len(spec.classes) > 1 and (marks.class_index < 0).any():
        known[spec.density] = 0  # a cell of unknown class is in no density map
    known *= ignored == 0
    return maps, known


def density(
    centres: np.ndarray, class_index: np.ndarray, n_classes: int, inside: np.ndarray, sigma: float
) -> np.ndarray:
    """(K, Y, X) maps at layout resolution that sum to the number of cells of each class.

    A Gaussian per cell (Lempitsky & Zisserman, NIPS 2010), scaled up where it reaches out of `inside` (Y, X), the part
    of the map that exists, so that no part of a cell is lost at a border.
    """
    shape = inside.shape
    maps = np.zeros((n_classes, *shape), np.float32)
    y, x = (np.clip(np.round((centres[:, i] - 0.5) / STRIDE).astype(int), 0, shape[i] - 1) for i in (0, 1))
    kept = ndi.gaussian_filter(inside.astype(np.float32), sigma, mode="constant")[y, x]
    weight = np.where(inside[y, x], 1 / np.maximum(kept, LEAST_KEPT), 1)
    cls = class_index if n_classes > 1 else np.zeros_like(class_index)
    known = cls >= 0
    np.add.at(maps, (cls[known], y[known], x[known]), weight[known])
    for k in range(n_classes):
        maps[k] = ndi.gaussian_filter(maps[k], sigma, mode="constant") * inside
    return maps


def _border(labels: np.ndarray, extent_known: np.ndarray, radius: int) -> np.ndarray:
    """(Y, X) bool: more than one cell, or a cell and background, within `radius` pixels; outlines are known there."""
    size = 2 * radius + 1
    mixed = ndi.maximum_filter(labels, size) != ndi.minimum_filter(labels, size)
    return mixed & ndi.minimum_filter(extent_known, size)


def _block_mean(mask: np.ndarray) -> np.ndarray:
    height, width = mask.shape
    return mask.reshape(height // STRIDE, STRIDE, width // STRIDE, STRIDE).mean((1, 3), dtype=np.float32)
