"""p-values of many pairs: corrected, or by Dunnett's test against a control."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from neubauer.compare.estimate import Group, interval_of, p_value
from neubauer.errors import InputError

CORRECTIONS = {
    "holm": "Holm's correction (Scandinavian Journal of Statistics 6:65, 1979)",
    "bonferroni": "Bonferroni's correction",
    "fdr_bh": "the false discovery rate controlled by the procedure of Benjamini and Hochberg (1995)",
    "none": "no correction",
}
SEED = 0
"""Dunnett's distribution is integrated by quasi-random numbers; the same data give the same digits."""


def corrected(p: Sequence[float], correction: str) -> list[float]:
    """p-values corrected for their number; NaN stay, and do not count.

    Raises
    ------
    InputError : no such correction.
    """
    if correction not in CORRECTIONS:
        raise InputError("--correction", repr(correction), "one of " + ", ".join(CORRECTIONS))
    values = np.array(p, float)
    known = ~np.isnan(values)
    if correction != "none" and known.any():
        from statsmodels.stats.multitest import multipletests

        values[known] = multipletests(values[known], method=correction)[1]
    return [float(v) for v in values]


def dunnett(
    groups: Sequence[Group], control: Group, level: float
) -> tuple[float, float, list[tuple[float, float, float]]]:
    """Dunnett's many-to-one test (Journal of the American Statistical Association 50:1096, 1955), by SciPy.

    It takes the variance of all conditions to be the same. Where the pooled variance that samples show is less than
    that of their counts, the samples are moved away from their means until it is as large.

    Parameters
    ----------
    groups, control : of two samples or more each.

    Returns
    -------
    Pooled variance of a sample; its degrees of freedom; of each group the p-value (corrected by the nature of the
    test), and the ends of the simultaneous interval of its difference from the control.
    """
    from scipy import stats

    every = [*groups, control]
    df = sum(g.n - 1 for g in every)
    seen = sum((g.n - 1) * g.seen for g in every) / df
    counted = sum((g.n - 1) * g.counted for g in every) / df
    if not max(seen, counted) > 0:
        return 0.0, df, [(math.nan, math.nan, math.nan)] * len(groups)
    if len(groups) == 1:  # Student's test, without the noise of that integral
        (group,) = groups
        of_difference = (group.mean_value - control.mean_value, max(seen, counted) * (1 / group.n + 1 / control.n), df)
        return max(seen, counted), df, [(p_value(*of_difference)[1], *interval_of(*of_difference, level))]
    samples = [_with_variance(g, counted, seen) for g in every]
    found = stats.dunnett(*samples[:-1], control=samples[-1], rng=np.random.default_rng(SEED))
    ends = found.confidence_interval(level)
    return max(seen, counted), df, list(zip(*(map(float, v) for v in (found.pvalue, ends.low, ends.high)), strict=True))


def _with_variance(group: Group, counted: float, seen: float) -> np.ndarray:
    if seen >= counted:
        return group.values
    if seen == 0:  # all samples alike: a spread of the same size in their place
        signs = np.resize([1.0, -1.0], group.n)
        signs -= signs.mean()
        return group.mean_value + signs * math.sqrt(counted / signs.var(ddof=1))
    return group.mean_value + (group.values - group.mean_value) * math.sqrt(counted / seen)
