"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

LIMITS = (0.05, 20.0)
"""Of the temperature: a few validation images that are all classified right would ask for 0."""


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the likelihood of the validation labels largest (Guo et al., ICML 2017, section 4.2).

    Parameters
    ----------
    logits : (N, K).
    labels : (N,) class indices.
    """
    rows = np.arange(len(labels))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logits / np.exp(log_temperature), 1)[rows, labels].mean())

    bounds = tuple(np.log(LIMITS))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
