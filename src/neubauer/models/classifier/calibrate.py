"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

LIMITS = (0.02, 50.0)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that makes the likelihood of the validation labels largest (Guo et al., ICML 2017, section 4.2).

    Of N images one in N + 2 is taken to be of another class, as Platt (1999, section 2.2) does: where a few images are
    all classified right, the likelihood itself would ask for probabilities of 1.

    Parameters
    ----------
    logits : (N, K).
    labels : (N,) class indices.
    """
    n, k = logits.shape
    other = 1 / (n + 2)
    target = np.full((n, k), other / (k - 1))
    target[np.arange(n), labels] = 1 - other

    def loss(log_temperature: float) -> float:
        return float(-(target * log_softmax(logits / np.exp(log_temperature), 1)).sum(1).mean())

    bounds = tuple(np.log(LIMITS))
    return float(np.exp(minimize_scalar(loss, bounds=bounds, method="bounded").x))
