"""Whether probabilities mean what they say."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def reliability_bins(probability: ArrayLike, correct: ArrayLike, n_bins: int = 10) -> pd.DataFrame:
    """Compare probabilities with frequencies, in bins of equal width (the data of a reliability diagram).

    Parameters
    ----------
    probability : (N,) 0 ... 1.
    correct : (N,) bool, whether it turned out so.
    n_bins : number of bins; bin m holds the probabilities in (low, high], the first one 0 too.

    Returns
    -------
    One row per bin: `low`, `high`, `n`, `mean_probability`, `fraction_correct` (NaN in empty bins).

    Raises
    ------
    ValueError : the lengths differ, or a probability is not within 0 ... 1.
    """
    p, y = _check(probability, correct)
    edges = np.linspace(0, 1, n_bins + 1)
    which = np.clip(np.searchsorted(edges, p, side="left") - 1, 0, n_bins - 1)
    n = np.bincount(which, minlength=n_bins)
    nan = np.full(n_bins, np.nan)
    return pd.DataFrame(
        {
            "low": edges[:-1],
            "high": edges[1:],
            "n": n,
            "mean_probability": np.divide(np.bincount(which, p, n_bins), n, out=nan.copy(), where=n > 0),
            "fraction_correct": np.divide(np.bincount(which, y, n_bins), n, out=nan.copy(), where=n > 0),
        }
    )


def expected_calibration_error(probability: ArrayLike, correct: ArrayLike, n_bins: int = 10) -> float:
    """Σ_m n_m / N |fraction correct - mean probability| over bins (Guo et al., ICML 2017, eq. 3); NaN of nothing.

    Parameters and errors are those of `reliability_bins`.
    """
    bins = reliability_bins(probability, correct, n_bins)
    total = bins["n"].sum()
    gap = (bins["fraction_correct"] - bins["mean_probability"]).abs().fillna(0)
    return float((bins["n"] * gap).sum() / total) if total else float("nan")


def brier_score(probability: ArrayLike, correct: ArrayLike) -> float:
    """Mean (probability - correct)² (Brier, Monthly Weather Review 78:1, 1950, for two outcomes); NaN of nothing.

    Parameters and errors are those of `reliability_bins`.
    """
    p, y = _check(probability, correct)
    return float(np.mean((p - y) ** 2)) if len(p) else float("nan")


def _check(probability: ArrayLike, correct: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    p, y = np.asarray(probability, np.float64).reshape(-1), np.asarray(correct, bool).reshape(-1).astype(np.float64)
    if len(p) != len(y):
        raise ValueError(f"{len(p)} probabilities and {len(y)} outcomes")
    if not ((p >= 0) & (p <= 1)).all():  # NaN fails too
        raise ValueError("a probability that is not within 0 ... 1")
    return p, y
