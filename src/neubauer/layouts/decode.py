"""Layout to cells: peaks, then every foreground pixel votes for the peak it points at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi
from scipy.spatial import cKDTree

from neubauer.layouts.spec import STRIDE

BAND = 1024
"""Rows of the layout handled at a time: bounds the memory that a large image takes."""


@dataclass(frozen=True)
class Thresholds:
    """What decides that something is a cell; tuned on validation images and kept with the model.

    Attributes
    ----------
    centre : per class, least height of a peak in the centre map.
    foreground : per class, least foreground probability of a pixel.
    """

    centre: tuple[float, ...]
    foreground: tuple[float, ...]


PEAK_DISTANCE = 0.12
"""Peaks nearer to each other than this (in cell diameters) are one."""
VOTE_DISTANCE = 0.75
"""A pixel that points farther than this (in cell diameters) from every peak belongs to no cell."""
MIN_AREA = 0.02
"""Cells with less than this share of the area of a disc of the typical diameter are dropped."""


def find_peaks(centre: np.ndarray, threshold: float, diameter: float) -> np.ndarray:
    """Local maxima of the centre map.

    Parameters
    ----------
    centre : (Y, X) centre map.
    threshold : least height.
    diameter : typical cell diameter in image pixels.

    Returns
    -------
    (P, 2) int64 : positions in the layout, sorted by row, then column.
    """
    radius = max(1, round(PEAK_DISTANCE * diameter / STRIDE))
    found = []
    for top, bottom in bands(centre.shape[0]):
        margin = 4 * radius + 2  # room for a plateau at the edge of the band
        low, high = max(0, top - margin), min(len(centre), bottom + margin)
        columns = np.flatnonzero((centre[low:high] >= threshold).any(0))
        if not len(columns):
            continue
        left, right = max(0, columns[0] - margin), columns[-1] + margin + 1
        window = centre[low:high, left:right].astype(np.float32)
        is_peak = (window >= threshold) & (window == ndi.maximum_filter(window, 2 * radius + 1, mode="nearest"))
        if low > 0:
            is_peak[:radius] = False  # rows that do not see all their neighbours
        if high < len(centre):
            is_peak[-radius:] = False
        # a plateau is one peak: keep its middle pixel
        plateaus, n = ndi.label(is_peak, structure=np.ones((3, 3)))
        if not n:
            continue
        middle = np.array(ndi.center_of_mass(is_peak, plateaus, np.arange(1, n + 1)))
        middle = np.floor(middle + 0.5).astype(np.int64)  # np.round would depend on where the band begins
        middle += low, left
        found.append(middle[(middle[:, 0] >= top) & (middle[:, 0] < bottom)])
    if not found:
        return np.zeros((0, 2), np.int64)
    peaks = np.concatenate(found)
    return peaks[np.lexsort((peaks[:, 1], peaks[:, 0]))]


def vote(
    foreground: np.ndarray, offset: np.ndarray, peaks: np.ndarray, threshold: float, diameter: float
) -> np.ndarray:
    """Give every foreground pixel to the peak nearest to where its offset points.

    Parameters
    ----------
    foreground : (Y, X) probability.
    offset : (2, Y, X) to the own centre, in units of `diameter`.
    peaks : (P, 2) layout positions.
    threshold : least foreground probability.
    diameter : typical cell diameter in image pixels.

    Returns
    -------
    (Y, X) int32 : label `i + 1` for the pixels of peak `i`, 0 elsewhere.
    """
    labels = np.zeros(foreground.shape, np.int32)
    if not len(peaks):
        return labels
    tree = cKDTree(peaks)
    unit = diameter / STRIDE
    for top, bottom in bands(foreground.shape[0]):
        y, x = np.nonzero(foreground[top:bottom] >= threshold)
        y += top
        target = np.stack([y, x], 1) + offset[:, y, x].astype(np.float32).T * unit
        distance, nearest = tree.query(target, distance_upper_bound=VOTE_DISTANCE * unit)
        hit = np.isfinite(distance)
        labels[y[hit], x[hit]] = nearest[hit] + 1
    return labels


def trim(labels: np.ndarray, foreground: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Labels without the pixels below the threshold of their own cell, and without stray pixels.

    Parameters
    ----------
    labels : (Y, X) int32, 0 ... N.
    foreground : (Y, X) probability.
    least : (N,) least foreground probability of each cell's pixels.

    Returns
    -------
    (Y, X) int32 : of each cell its largest 4-connected piece. It is `labels`, changed in place: it may be large.
    """
    for top, bottom in bands(labels.shape[0]):
        band = labels[top:bottom]
        y, x = np.nonzero(band)
        weak = foreground[top:bottom][y, x] < least[band[y, x] - 1]
        band[y[weak], x[weak]] = 0
    for i, box in enumerate(ndi.find_objects(labels)):  # one by one: labelling all at once takes 24 bytes a pixel
        if box is None:
            continue
        own = labels[box] == i + 1
        pieces, n = ndi.label(own)
        if n > 1:
            largest = np.bincount(pieces.ravel())[1:].argmax() + 1
            labels[box][own & (pieces != largest)] = 0
    return labels


def highest(labels: np.ndarray, foreground: np.ndarray, n: int) -> np.ndarray:
    """(n,) float32: the largest foreground probability of each cell 1 ... n; 0 for one without pixels."""
    result = np.zeros(n + 1, np.float32)
    for top, bottom in bands(labels.shape[0]):
        band = labels[top:bottom]
        y, x = np.nonzero(band)
        np.maximum.at(result, band[y, x], foreground[top:bottom][y, x].astype(np.float32))
    return result[1:]


def large_enough(labels: np.ndarray, n: int, diameter: float) -> np.ndarray:
    """(n,) bool: which of the cells 1 ... n have more than hardly any pixels."""
    area = np.zeros(n + 1, np.int64)
    for top, bottom in bands(labels.shape[0]):  # bincount copies its argument to 64 bit
        area += np.bincount(labels[top:bottom].ravel(), minlength=n + 1)
    return area[1:] >= max(1.0, MIN_AREA * np.pi * (diameter / STRIDE / 2) ** 2)


def keep_only(labels: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Labels of the cells to keep, (N,) bool, numbered anew in the same order."""
    lookup = np.zeros(len(keep) + 1, np.int32)
    lookup[1:][keep] = np.arange(1, keep.sum() + 1)
    return lookup[labels]


def enlarge(
    labels: np.ndarray,
    foreground: np.ndarray,
    least: np.ndarray,
    shape: tuple[int, int],
    scaled_shape: tuple[int, int],
    rows: slice = slice(None),
    columns: slice = slice(None),
) -> np.ndarray:
    """Labels at the resolution of the image, with a smooth outline.

    A pixel is foreground where the bilinearly interpolated foreground map says so; it takes the label of the nearest
    labelled layout pixel among the four around it.

    Parameters
    ----------
    labels, foreground : (Y, X) of the layout.
    least : (N,) least foreground probability of each cell's pixels.
    shape : (Y', X') of the image.
    scaled_shape : (Y", X") of the rescaled image from which the layout was made, `Y = ceil(Y" / STRIDE)`.
    rows, columns : of the image, those that are wanted.

    Returns
    -------
    (rows, columns) int32
    """
    low, high, fraction = [], [], []
    for n, scaled, m, part in zip(shape, scaled_shape, labels.shape, (rows, columns), strict=True):
        position = np.clip((np.arange(n)[part] + 0.5) * (scaled / STRIDE / n) - 0.5, 0, m - 1)
        low.append(position.astype(int))
        high.append(np.minimum(low[-1] + 1, m - 1))
        fraction.append((position - low[-1]).astype(np.float32))
    fy, fx = fraction[0][:, None], fraction[1][None]
    value = np.zeros((len(fy), fx.shape[1]), np.float32)
    best = np.zeros_like(value)
    result = np.zeros(value.shape, np.int32)
    for iy, wy in ((low[0], 1 - fy), (high[0], fy)):
        for ix, wx in ((low[1], 1 - fx), (high[1], fx)):
            at, weight = np.ix_(iy, ix), wy * wx
            value += weight * foreground[at]
            label = labels[at]
            better = (label > 0) & (weight > best)
            result[better] = label[better]
            best[better] = weight[better]
    result[value < np.append(np.float32(0), least.astype(np.float32))[result]] = 0
    return result


def bands(height: int) -> Iterator[tuple[int, int]]:
    """Row ranges that cover `height`."""
    for top in range(0, height, BAND):
        yield top, min(top + BAND, height)
