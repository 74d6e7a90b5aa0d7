"""Means of conditions over their samples, and effect sizes, with intervals that hold the error of the counts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

NAN = float("nan")
Interval = tuple[float, float, float]
"""(estimate, low, high); NaN where there is none."""


@dataclass(frozen=True)
class Mean:
    """The mean of a condition, as it is inferred about.

    Attributes
    ----------
    value, variance : of the mean; NaN variance where there is one sample only.
    df : degrees of freedom of the variance.
    """

    value: float
    variance: float
    df: float

    def interval(self, level: float) -> tuple[float, float]:
        """By Student's t; NaN without variance, or where it is 0: samples that are all alike tell no spread."""
        if not self.variance > 0:
            return NAN, NAN
        half = _t(level, self.df) * math.sqrt(self.variance)
        return self.value - half, self.value + half


@dataclass(frozen=True)
class Group:
    """The samples of a condition.

    The spread s² that samples show is already that between samples, tau², plus that of counting: its expectation is
    tau² + mean(v), where v are the variances of the samples from the intervals of their counts. Adding v to s² would
    count it twice. So tau² is s² - mean(v), at least 0 (the unweighted moment estimate of a random-effects model;
    Hedges, Psychological Bulletin 93:388, 1983), and the variance of a sample is tau² + mean(v) = max(s², mean(v)): by
    chance similar samples never make an interval narrower than their counts allow.

    Attributes
    ----------
    values, counting : (n,) of the samples, and their variances v.
    """

    values: np.ndarray
    counting: np.ndarray

    @property
    def n(self) -> int:
        """Samples."""
        return len(self.values)

    @property
    def mean_value(self) -> float:
        """Each sample counts the same, however many images it has."""
        return float(self.values.mean())

    @property
    def seen(self) -> float:
        """s², NaN for one sample."""
        return float(self.values.var(ddof=1)) if self.n > 1 else NAN

    @property
    def counted(self) -> float:
        """mean(v)."""
        return float(self.counting.mean())

    @property
    def between(self) -> float:
        """tau², NaN for one sample."""
        return max(self.seen - self.counted, 0.0) if self.n > 1 else NAN

    @property
    def variance(self) -> float:
        """Of a sample: tau² + mean(v)."""
        return self.between + self.counted

    def mean(self) -> Mean:
        """With the variance between samples and of counting."""
        return Mean(self.mean_value, self.variance / self.n, self.n - 1)

    def counting_interval(self, level: float) -> tuple[float, float]:
        """Of the mean of just these samples: the error of counting alone."""
        half = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(self.counted / self.n)
        return self.mean_value - half, self.mean_value + half


def difference(a: Mean, b: Mean) -> tuple[float, float, float]:
    """a - b: (difference, variance, degrees of freedom) by Welch and Satterthwaite (Biometrika 34:28, 1947)."""
    variance = a.variance + b.variance
    return a.value - b.value, variance, _satterthwaite((a.variance, a.df), (b.variance, b.df))


def ratio(a: Mean, b: Mean, level: float) -> Interval:
    """a / b, its interval from the variance of the logarithms, V / mean² each (delta method), by Student's t."""
    if not (a.value > 0 and b.value > 0):
        return (a.value / b.value if b.value > 0 and a.value >= 0 else NAN), NAN, NAN
    relative = [(m.variance / m.value**2, m.df) for m in (a, b)]
    variance = relative[0][0] + relative[1][0]
    return _log_interval(a.value / b.value, variance, _satterthwaite(*relative), level)


def hedges_g(a: Group, b: Group, level: float) -> Interval:
    """Standardised difference of a - b (Hedges, Journal of Educational Statistics 6:107, 1981).

    The difference over the pooled standard deviation that samples show, counting included, corrected for few samples by
    J (gamma functions); its interval from the noncentral t-distribution (Cumming & Finch, Educational and Psychological
    Measurement 61:532, 2001). A standard deviation that is never below that of counting would be too large on average,
    and g too small.
    """
    df = a.n + b.n - 2
    if a.n < 2 or b.n < 2:
        return NAN, NAN, NAN
    pooled = ((a.n - 1) * a.seen + (b.n - 1) * b.seen) / df
    return _standardised(a.mean_value - b.mean_value, pooled, math.sqrt(1 / a.n + 1 / b.n), df, 1.0, level)


@dataclass(frozen=True)
class Pairs:
    """Samples of two conditions that belong together, such as the same patient before and after.

    Attributes
    ----------
    a, b : groups in the same order of pairs.
    """

    a: Group
    b: Group

    def difference(self) -> tuple[float, float, float]:
        """(a - b, variance, degrees of freedom) of the mean of the differences, never below that of counting."""
        n = self.a.n
        if n < 2:
            return self.a.mean_value - self.b.mean_value, NAN, NAN
        return self.a.mean_value - self.b.mean_value, self._variance(1.0, 1.0) / n, n - 1

    def ratio(self, level: float) -> Interval:
        """Ratio of the means; its interval from the linearised logarithm, y_a / mean_a - y_b / mean_b of each pair."""
        a, b = self.a.mean_value, self.b.mean_value
        if not (a > 0 and b > 0) or self.a.n < 2:
            return (a / b if b > 0 and a >= 0 else NAN), NAN, NAN
        return _log_interval(a / b, self._variance(a, b) / self.a.n, self.a.n - 1, level)

    def hedges_g(self, level: float) -> Interval:
        """The difference over the root of the mean of both variances (g_av; Lakens, Frontiers in Psychology 4:863,
        2013), its interval from that of the differences (noncentral t)."""
        n = self.a.n
        if n < 2:
            return NAN, NAN, NAN
        mean = (self.a.seen + self.b.seen) / 2
        of_differences = float((self.a.values - self.b.values).var(ddof=1))
        if not mean > 0:
            return NAN, NAN, NAN
        scale = math.sqrt(of_differences / mean)
        return _standardised(
            self.a.mean_value - self.b.mean_value, of_differences, math.sqrt(1 / n), n - 1, scale, level
        )

    def _variance(self, over_a: float, over_b: float) -> float:
        """Of the difference of a pair, each divided by a number."""
        seen = float((self.a.values / over_a - self.b.values / over_b).var(ddof=1))
        return max(seen, self.a.counted / over_a**2 + self.b.counted / over_b**2)


def interval_of(value: float, variance: float, df: float, level: float) -> tuple[float, float]:
    """By Student's t; NaN where the variance is unknown or 0."""
    return Mean(value, variance, df).interval(level)


def p_value(value: float, variance: float, df: float) -> tuple[float, float]:
    """(t, two-sided p) of a value against 0; NaN where its variance is unknown or 0."""
    from scipy import stats

    if not variance > 0:
        return NAN, NAN
    t = value / math.sqrt(variance)
    return t, float(2 * stats.t.sf(abs(t), df))


def _t(level: float, df: float) -> float:
    from scipy import stats

    return float(stats.t.ppf((1 + level) / 2, df))


def _satterthwaite(*parts: Sequence[float]) -> float:
    total = sum(variance for variance, _ in parts)
    if not total > 0:  # samples without any spread, or one sample only
        return sum(df for _, df in parts)
    return total**2 / sum(variance**2 / df for variance, df in parts if variance > 0)


def _log_interval(value: float, variance: float, df: float, level: float) -> Interval:
    if not variance > 0:
        return value, NAN, NAN
    factor = math.exp(_t(level, df) * math.sqrt(variance))
    return value, value / factor, value * factor


def _standardised(value: float, variance: float, root: float, df: float, scale: float, level: float) -> Interval:
    """value / sd times `scale` and J, with an interval; `root` is the standard error for sd = 1.

    J makes the estimate unbiased; the ends of the interval are those of the population's value, and need none.
    """
    if not variance > 0:
        return NAN, NAN, NAN
    small = math.exp(math.lgamma(df / 2) - math.lgamma((df - 1) / 2)) / math.sqrt(df / 2) if df > 1 else NAN
    t = value / math.sqrt(variance) / root
    low, high = (scale * root * end for end in noncentrality(t, df, level))
    return small * scale * root * t, low, high


def noncentrality(t: float, df: float, level: float) -> tuple[float, float]:
    """The noncentralities under which a t as large, or as small, as this has the probability (1 - level) / 2."""
    from scipy.special import nctdtrinc

    tail = (1 - level) / 2
    return float(nctdtrinc(df, 1 - tail, t)), float(nctdtrinc(df, tail, t))
