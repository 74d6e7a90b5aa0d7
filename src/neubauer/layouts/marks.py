"""Annotations to marks: masks, boxes and points drawn as pixels, and geometry (rescale, warp, crop) on them."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from neubauer.cells.annotation import Annotation
from neubauer.layouts.encode import POINT_RADIUS, Marks


def marks_of_annotation(annotation: Annotation, shape: tuple[int, int], diameter: float) -> Marks:
    """Draw an annotation at another scale.

    Parameters
    ----------
    annotation : masks, boxes or points in the pixels of the original image.
    shape : (Y, X) of the rescaled image.
    diameter : cell diameter after rescaling, for points.

    Returns
    -------
    Marks : masks as they are; boxes as their inscribed ellipses with the box corners of unknown extent; points as small
        discs with a surrounding of unknown extent.
    """
    ratio = np.array(shape) / np.array(annotation.shape)
    centres = (annotation.centres + 0.5) * ratio - 0.5
    unknown = np.zeros(shape, bool)
    ignore = np.zeros(shape, bool)
    if annotation.ignore is not None:
        ignore = _nearest(annotation.ignore, shape)
    if annotation.kind == "masks":
        assert annotation.labels is not None
        labels = _nearest(annotation.labels, shape)
        return from_labels(labels, annotation.class_index, unknown, ignore)
    if annotation.kind == "boxes":
        assert annotation.boxes is not None
        extents = (annotation.boxes[:, 2:] - annotation.boxes[:, :2]) * ratio
        order = np.argsort(-extents.prod(1))  # small boxes are drawn last, on top
        labels = np.zeros(shape, np.int32)
        for i in order:
            window, inside = _ellipse(centres[i], extents[i] / 2, shape)
            unknown[window] |= True
            labels[window][inside] = i + 1
        unknown &= labels == 0
        return Marks(labels, centres, annotation.class_index, extents.mean(1), unknown, ignore)
    labels = np.zeros(shape, np.int32)
    radius = POINT_RADIUS * diameter
    if len(centres):
        seeds = np.ones(shape, bool)
        y, x = (np.clip(np.round(centres[:, i]).astype(int), 0, shape[i] - 1) for i in (0, 1))
        seeds[y, x] = False
        owner = np.zeros(shape, np.int32)
        owner[y, x] = np.arange(1, len(centres) + 1)
        distance, (iy, ix) = ndi.distance_transform_edt(seeds, return_indices=True)
        labels = np.where(distance <= radius, owner[iy, ix], 0).astype(np.int32)
        unknown = (distance > radius) & (distance <= diameter)
    return Marks(labels, centres, annotation.class_index, np.full(len(centres), diameter), unknown, ignore)


def from_labels(labels: np.ndarray, class_index: np.ndarray, unknown: np.ndarray, ignore: np.ndarray) -> Marks:
    """Marks of instance masks; centres are the pixels of the cells that lie nearest to their centroids."""
    present = np.flatnonzero(np.bincount(labels.ravel()))  # much faster than np.unique
    present = present[present > 0]
    lookup = np.zeros(labels.max(initial=0) + 1, np.int64)
    lookup[present] = np.arange(1, len(present) + 1)
    compact = lookup[labels]
    n = len(present)
    if n == 0:
        return Marks(compact, np.zeros((0, 2)), np.zeros(0, np.int64), np.zeros(0), unknown, ignore)
    flat = compact.ravel()
    area = np.bincount(flat, minlength=n + 1)[1:]
    y, x = np.indices(labels.shape).reshape(2, -1)
    centres = np.stack([np.bincount(flat, c, minlength=n + 1)[1:] / area for c in (y, x)], 1)
    iy, ix = np.round(centres).astype(int).T
    for i in np.flatnonzero(compact[iy, ix] != np.arange(1, n + 1)):  # centroid outside: bent cells, rings
        own = np.argwhere(compact == i + 1)
        centres[i] = own[np.argmin(((own - centres[i]) ** 2).sum(1))]
    diameters = 2 * np.sqrt(area / np.pi)
    return Marks(compact, centres, class_index[present - 1], diameters, unknown, ignore)


def select(labels: np.ndarray, marks: Marks, centres: np.ndarray, unknown: np.ndarray, ignore: np.ndarray) -> Marks:
    """Marks of a warped crop of boxes or points: cells whose (moved) centre left the crop are dropped."""
    shape = labels.shape
    inside = ((centres >= 0) & (centres <= np.array(shape) - 1)).all(1)
    new_label = np.zeros(len(centres) + 1, np.int64)
    new_label[1:][inside] = np.arange(1, inside.sum() + 1)
    # pixels of a cell whose centre is outside: is it a cell? the annotator of such an image could not have said
    orphan = (labels > 0) & (new_label[labels] == 0)
    return Marks(
        new_label[labels],
        centres[inside],
        marks.class_index[inside],
        marks.diameters[inside],
        unknown | orphan,
        ignore,
    )


def _nearest(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    iy, ix = (
        np.minimum(((np.arange(new) + 0.5) * old / new).astype(int), old - 1)
        for new, old in zip(shape, image.shape, strict=True)
    )
    return image[np.ix_(iy, ix)]


def _ellipse(centre: np.ndarray, radii: np.ndarray, shape: tuple[int, int]) -> tuple[tuple[slice, slice], np.ndarray]:
    """Window of the box around the ellipse, clipped to the image, and which of its pixels lie inside."""
    low = np.clip(np.floor(centre - radii + 0.5).astype(int), 0, np.array(shape) - 1)
    high = np.clip(np.ceil(centre + radii + 0.5).astype(int), low + 1, shape)
    y, x = np.ogrid[low[0] : high[0], low[1] : high[1]]
    radii = np.maximum(radii, 0.5)
    inside = ((y - centre[0]) / radii[0]) ** 2 + ((x - centre[1]) / radii[1]) ** 2 <= 1
    return (slice(low[0], high[0]), slice(low[1], high[1])), inside
