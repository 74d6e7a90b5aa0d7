"""Which parts of an image a class rests on."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi
from scipy.special import log_softmax

from neubauer.models.classifier.predict import TrainedClassifier

STEPS = 16
"""Positions of the patch along an axis."""


def saliency(classifier: TrainedClassifier, square: np.ndarray, class_index: int | None = None) -> np.ndarray:
    """How much the log-probability of a class falls when a part of the image is hidden.

    A soft patch of a quarter of the side moves over the image and replaces what it covers by a strongly blurred copy;
    each pixel gets the mean of the falls, weighted by how far it was covered (occlusion: Zeiler & Fergus, ECCV 2014,
    section 4.2). It works for every kind of classifier.

    Parameters
    ----------
    classifier : the classifier.
    square : (C, size, size) in the training images' own numbers (see `squares_for`).
    class_index : the class; by default the likeliest.

    Returns
    -------
    (size, size) float32; positive where the image speaks for the class.
    """
    size = square.shape[1]
    values = square.astype(np.float32)
    blurred = ndi.gaussian_filter(values, (0, size / 6, size / 6), mode="nearest")
    at = (np.arange(STEPS) + 0.5) * size / STEPS
    line = np.exp(-0.5 * ((np.arange(size)[None] - at[:, None] + 0.5) / (size / 10)) ** 2)
    covers = np.einsum("iy,jx->ijyx", line, line).reshape(-1, size, size).astype(np.float32)
    hidden = values * (1 - covers[:, None]) + blurred * covers[:, None]
    pixels = classifier.normalise(np.concatenate([values[None], hidden]))
    found = log_softmax(classifier.scorer.logits(pixels) / classifier.config.temperature, 1)
    k = int(found[0].argmax()) if class_index is None else class_index
    fall = (found[0, k] - found[1:, k]).astype(np.float32)
    return np.einsum("n,nyx->yx", fall, covers) / covers.sum(0)
