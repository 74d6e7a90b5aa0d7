"""A linear mixed model of images in samples."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from neubauer.compare.estimate import Mean


def mixed_means(values: np.ndarray, condition: Sequence[str], sample: Sequence[str]) -> dict[str, Mean]:
    """Means of conditions by y = mean(condition) + u(sample) + e(image), both variances by REML (statsmodels MixedLM).

    A sample has the weight 1 / (tau² + sigma² / its images). statsmodels tests by the normal distribution, which is too
    sure of itself with a handful of samples; here the degrees of freedom are those of the samples within conditions
    (containment; Schluchter & Elashoff, Journal of Statistical Computation and Simulation 37:69, 1990).

    Parameters
    ----------
    values : (N,) of images.
    condition, sample : (N,) of each; a sample is known by both. Two samples or more in each condition.
    """
    from statsmodels.regression.mixed_linear_model import MixedLM
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    conditions = list(dict.fromkeys(condition))
    group = np.array([f"{c}\0{s}" for c, s in zip(condition, sample, strict=True)])
    exog = np.array([[float(c == one) for one in conditions] for c in condition])
    scale = float(np.std(values)) or 1.0  # the optimiser likes numbers about 1
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it says that tau² is 0, which it may be
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.simplefilter("ignore", UserWarning)
        fit = MixedLM(values / scale, exog, group).fit(reml=True)
    sigma2, tau2 = float(fit.scale) * scale**2, float(np.asarray(fit.cov_re)[0, 0]) * scale**2
    names, place, number = np.unique(group, return_inverse=True, return_counts=True)
    means = np.bincount(place, values) / number
    weight = 1 / (tau2 + sigma2 / number)
    df = len(names) - len(conditions)
    found = {}
    for one in conditions:
        own = np.char.startswith(names, f"{one}\0")
        found[one] = Mean(float(np.average(means[own], weights=weight[own])), float(1 / weight[own].sum()), df)
    return found
