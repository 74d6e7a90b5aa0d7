"""How far counts are off, and whether their intervals keep their promise."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def count_errors(true: ArrayLike, predicted: ArrayLike) -> dict[str, float]:
    """Errors of counts over N images.

    With e = predicted - true: `mae` mean |e|, `rmse` sqrt(mean e²), `bias` mean e, `mape` mean |e| / true over the
    images that have cells (a fraction), `r2` 1 - Σ e² / Σ (true - mean true)² (coefficient of determination, which
    punishes bias, unlike a squared correlation). MAE and RMSE are those by which counting methods are compared since
    Lempitsky & Zisserman, "Learning to count objects in images", NIPS 2010.

    Parameters
    ----------
    true, predicted : (N,) counts.

    Returns
    -------
    `n`, `mae`, `rmse`, `bias`, `mape`, `r2`; NaN where a value is not defined (no image, no cells, equal true counts).

    Raises
    ------
    ValueError : the lengths differ.
    """
    t, p = _counts(true), _counts(predicted)
    if len(t) != len(p):
        raise ValueError(f"{len(t)} true and {len(p)} predicted counts")
    e = p - t
    nan = float("nan")
    spread = float(np.sum((t - t.mean()) ** 2)) if len(t) else 0.0
    return {
        "n": float(len(t)),
        "mae": float(np.abs(e).mean()) if len(t) else nan,
        "rmse": float(np.sqrt(np.mean(e**2))) if len(t) else nan,
        "bias": float(e.mean()) if len(t) else nan,
        "mape": float(np.mean(np.abs(e[t > 0]) / t[t > 0])) if (t > 0).any() else nan,
        "r2": 1 - float(np.sum(e**2)) / spread if spread > 0 else nan,
    }


def interval_coverage(true: ArrayLike, low: ArrayLike, high: ArrayLike) -> dict[str, float]:
    """How often intervals hold the true count, and how wide they are.

    `coverage` is the share of images with low <= true <= high, to be compared with the promise (0.9 for 90 %
    intervals); `width` is the mean of high - low (coverage probability and mean width of Khosravi et al., IEEE
    Transactions on Neural Networks 22:337, 2011).

    Parameters
    ----------
    true, low, high : (N,) counts.

    Returns
    -------
    `n`, `coverage`, `width`; NaN without an image.

    Raises
    ------
    ValueError : the lengths differ.
    """
    t, a, b = _counts(true), _counts(low), _counts(high)
    if not len(t) == len(a) == len(b):
        raise ValueError(f"{len(t)} true counts, {len(a)} lower and {len(b)} upper ends")
    if not len(t):
        return {"n": 0.0, "coverage": float("nan"), "width": float("nan")}
    inside = (a <= t) & (t <= b)
    return {"n": float(len(t)), "coverage": float(inside.mean()), "width": float(np.mean(b - a))}


def _counts(values: ArrayLike) -> np.ndarray:
    return np.asarray(values, np.float64).reshape(-1)
