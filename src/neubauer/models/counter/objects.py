"""Predicted layout to objects: positions, labels, classes and scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neubauer.cells.convert import labels_to_boxes
from neubauer.layouts.decode import (
    Thresholds,
    bands,
    enlarge,
    find_peaks,
    highest,
    keep_only,
    large_enough,
    trim,
    vote,
)
from neubauer.layouts.spec import STRIDE
from neubauer.models.counter.layout import Layout

FAINT = 0.5
"""A cell's extent is where the foreground reaches this share of its own maximum, if that is below the threshold of its
class: a half hidden or faint cell is then not cut down to its brightest spot. (It has to reach the threshold there.)"""


@dataclass(frozen=True)
class Objects:
    """The objects of one layout; arrays run over the objects.

    Attributes
    ----------
    labels : (Y, X) int32 at layout resolution; object i has label i + 1.
    centres : (N, 2) y, x of the peaks, in pixels of the original image.
    diameters : (N,) of the disc of the same area, in pixels of the original image.
    features : (N, 2) log-odds of the peak's height and of the mean foreground probability, from which the probability
        is calibrated.
    class_probability : (N, K) mean over the object's pixels.
    extent : (N,) least foreground probability of the object's pixels.
    """

    labels: np.ndarray
    centres: np.ndarray
    diameters: np.ndarray
    features: np.ndarray
    class_probability: np.ndarray
    extent: np.ndarray

    def __len__(self) -> int:
        return len(self.centres)

    @property
    def class_index(self) -> np.ndarray:
        """(N,) most probable class."""
        return self.class_probability.argmax(1)

    def counts(self) -> np.ndarray:
        """(K,) objects per class."""
        return np.bincount(self.class_index, minlength=self.class_probability.shape[1])


def find_objects(layout: Layout, thresholds: Thresholds, diameter: float) -> Objects:
    """Decode a layout; `diameter` is the cell diameter of the layout (image pixels at the scale of the model)."""
    peaks = find_peaks(layout.centre, min(thresholds.centre), diameter)
    labels = vote(layout.foreground, layout.offset, peaks, FAINT * min(thresholds.foreground), diameter)
    _, _, probability = _sums(labels, layout, len(peaks))
    of_class = probability.argmax(1)
    least, peak = np.array(thresholds.foreground)[of_class], highest(labels, layout.foreground, len(peaks))
    extent = np.minimum(FAINT * peak, least)
    labels = trim(labels, layout.foreground, extent)
    keep = peak >= least
    keep &= layout.centre[peaks[:, 0], peaks[:, 1]] >= np.array(thresholds.centre, np.float16)[of_class]
    keep &= large_enough(labels, len(peaks), diameter)
    labels, peaks, extent = keep_only(labels, keep), peaks[keep], extent[keep]
    area, front, probability = _sums(labels, layout, len(peaks))
    zoom = np.array(layout.shape) / np.array(layout.scaled_shape)
    height = layout.centre[peaks[:, 0], peaks[:, 1]].astype(float)
    return Objects(
        labels,
        (peaks * STRIDE + STRIDE / 2) * zoom - 0.5,
        2 * np.sqrt(area / np.pi) * STRIDE * np.sqrt(zoom.prod()),
        np.stack([_log_odds(height), _log_odds(front / np.maximum(area, 1))], 1),
        probability / np.maximum(probability.sum(1, keepdims=True), 1e-9),
        extent,
    )


def _sums(labels: np.ndarray, layout: Layout, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of the pixels of each of the `n` objects: number, sum of the foreground (N,), sums of the class maps (N, K)."""
    classes = len(layout.class_probability)
    area, front, probability = np.zeros(n + 1), np.zeros(n + 1), np.zeros((n + 1, classes))
    for top, bottom in bands(labels.shape[0]):
        y, x = np.nonzero(labels[top:bottom])
        y += top
        owner = labels[y, x]
        area += np.bincount(owner, minlength=n + 1)
        front += np.bincount(owner, layout.foreground[y, x], minlength=n + 1)
        for k in range(classes):
            probability[:, k] += np.bincount(owner, layout.class_probability[k, y, x], minlength=n + 1)
    return area[1:], front[1:], probability[1:]


def full_labels(objects: Objects, layout: Layout) -> np.ndarray:
    """(Y, X) int32 labels at the resolution of the original image.

    Every object keeps at least one pixel: one that vanishes at a coarse resolution gets the pixel of its centre.
    """
    result = np.zeros(layout.shape, np.int32)
    present = np.zeros(len(objects) + 1, bool)
    zoom_y, zoom_x = (n * STRIDE / scaled for n, scaled in zip(layout.shape, layout.scaled_shape, strict=True))
    for top, bottom in bands(layout.shape[0]):
        near = objects.labels[max(0, int(top / zoom_y) - 2) : int(bottom / zoom_y) + 3]
        labelled = np.flatnonzero(near.any(0))
        if not len(labelled):
            continue
        columns = slice(max(0, int((labelled[0] - 2) * zoom_x)), int((labelled[-1] + 3) * zoom_x) + 1)
        result[top:bottom, columns] = enlarge(
            objects.labels,
            layout.foreground,
            objects.extent,
            layout.shape,
            layout.scaled_shape,
            slice(top, bottom),
            columns,
        )
        present[result[top:bottom, columns]] = True
    for i in np.flatnonzero(~present[1:]):
        y, x = np.clip(np.round(objects.centres[i]).astype(int), 0, np.array(layout.shape) - 1)
        result[y, x] = i + 1
    return result


def boxes_of(objects: Objects, layout: Layout) -> np.ndarray:
    """(N, 4) y0, x0, y1, x1 (half-open) of the objects' full-resolution labels, in pixels of the original image."""
    boxes = np.zeros((len(objects), 4))
    found = labels_to_boxes(full_labels(objects, layout))
    boxes[: len(found)] = found
    return boxes


def _log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))
