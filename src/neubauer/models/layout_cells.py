"""Predicted layout to objects: positions, labels, classes and scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neubauer.layouts.decode import Thresholds, bands, drop_small, enlarge, find_peaks, vote
from neubauer.layouts.spec import STRIDE
from neubauer.models.layout_predict import Layout


@dataclass(frozen=True)
class Objects:
    """The objects of one layout; arrays run over the objects.

    Attributes
    ----------
    labels : (Y, X) int32 at layout resolution; object i has label i + 1.
    centres : (N, 2) y, x of the peaks, in pixels of the original image.
    diameters : (N,) of the disc of the same area, in pixels of the original image.
    boxes : (N, 4) y0, x0, y1, x1 (half-open) in pixels of the original image.
    features : (N, 2) log-odds of the peak's height and of the mean foreground probability, from which the probability is calibrated.
    class_probability : (N, K) mean over the object's pixels.
    """

    labels: np.ndarray
    centres: np.ndarray
    diameters: np.ndarray
    boxes: np.ndarray
    features: np.ndarray
    class_probability: np.ndarray

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
    peaks = find_peaks(layout.centre, thresholds.centre, diameter)
    labels = vote(layout.foreground, layout.offset, peaks, thresholds.foreground, diameter)
    labels, peaks = drop_small(labels, peaks, diameter)
    n, classes = len(peaks), len(layout.class_probability)
    area = np.zeros(n + 1)
    front = np.zeros(n + 1)
    probability = np.zeros((n + 1, classes))
    low = np.full((n + 1, 2), np.iinfo(np.int64).max)
    high = np.zeros((n + 1, 2), np.int64)
    for top, bottom in bands(labels.shape[0]):
        y, x = np.nonzero(labels[top:bottom])
        y += top
        owner = labels[y, x]
        area += np.bincount(owner, minlength=n + 1)
        front += np.bincount(owner, layout.foreground[y, x], minlength=n + 1)
        for k in range(classes):
            probability[:, k] += np.bincount(owner, layout.class_probability[k, y, x], minlength=n + 1)
        position = np.stack([y, x], 1)
        np.minimum.at(low, owner, position)
        np.maximum.at(high, owner, position + 1)
    area, front, probability, low, high = area[1:], front[1:], probability[1:], low[1:], high[1:]
    probability /= np.maximum(probability.sum(1, keepdims=True), 1e-9)
    zoom = np.array(layout.shape) / np.array(layout.scaled_shape)
    height = layout.centre[peaks[:, 0], peaks[:, 1]].astype(float)
    limit = np.array(layout.shape, float)
    boxes = np.concatenate([np.minimum(low * STRIDE * zoom, limit), np.minimum(high * STRIDE * zoom, limit)], 1)
    return Objects(
        labels,
        (peaks * STRIDE + STRIDE / 2) * zoom - 0.5,
        2 * np.sqrt(area / np.pi) * STRIDE * np.sqrt(zoom.prod()),
        boxes,
        np.stack([_log_odds(height), _log_odds(front / np.maximum(area, 1))], 1),
        probability,
    )


def full_labels(objects: Objects, layout: Layout, thresholds: Thresholds) -> np.ndarray:
    """(Y, X) int32 labels at the resolution of the original image.

    Every object keeps at least one pixel: one that vanishes at a coarse resolution gets the pixel of its centre.
    """
    result = np.empty(layout.shape, np.int32)
    for top, bottom in bands(layout.shape[0]):
        result[top:bottom] = enlarge(
            objects.labels, layout.foreground, thresholds.foreground, layout.shape, layout.scaled_shape, slice(top, bottom)
        )
    present = np.bincount(result.ravel(), minlength=len(objects) + 1)[1:] > 0
    for i in np.flatnonzero(~present):
        y, x = np.clip(np.round(objects.centres[i]).astype(int), 0, np.array(layout.shape) - 1)
        result[y, x] = i + 1
    return result


def _log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, 1e-4, 1 - 1e-4)
    return np.log(p / (1 - p))
