"""Prediction intervals for counts, from the errors on validation images."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from neubauer.cells.table import CountEstimate

LEVEL = 0.9
"""Share of images whose true count the interval is meant to hold."""


PROPORTION = 0.05
"""Of a count that errors grow with, beside its root: what is wrong about an image is wrong about all of its cells."""


def unit(count: ArrayLike) -> np.ndarray:
    """What an error of a count is measured in: `sqrt(count + 1 + (PROPORTION count)^2)`."""
    n = np.maximum(np.asarray(count, float), 0)
    return np.sqrt(n + 1 + (PROPORTION * n) ** 2)


def interval_width(true: ArrayLike, predicted: ArrayLike, level: float = LEVEL) -> float:
    """Half width `q` of the intervals, in units of `unit(count)`.

    Split conformal prediction with a normalised score (Papadopoulos et al. 2008; Angelopoulos & Bates, 2023, sections 1
    and 2.3): the score of an image is `|true - predicted| / unit(predicted)`, since counting errors grow about like
    the root of the count, and `q` is the `ceil((n + 1) level) / n` quantile of the scores: a new image from the same
    source is covered with at least this probability. That quantile exists from n = 9 images on (for 90 %). With fewer,
    `q` is the prediction bound of Student's t-distribution with n - 1 degrees of freedom, which needs errors to be
    about normal: one degree is spent on the correction and the thresholds that the same images gave.

    Raises
    ------
    ValueError : without any validation image.
    """
    t, p = np.asarray(true, float), np.asarray(predicted, float)
    n = len(t)
    if n == 0:
        raise ValueError("an interval needs at least one validation image")
    scores = np.abs(t - p) / unit(p)
    rank = math.ceil((n + 1) * level)
    if rank <= n:
        return float(np.sort(scores)[rank - 1])
    from scipy import stats

    spread = math.sqrt(float((scores**2).mean()))
    return float(stats.t.ppf((1 + level) / 2, max(n - 1, 1)) * spread * math.sqrt(1 + 1 / n))


def interval(count: float, width: float, shift: float = 0.0, strange: bool = False) -> tuple[float, float]:
    """(low, high) around a count: the whole numbers in reach, never below zero and always holding the rounded count.

    Parameters
    ----------
    count : estimated.
    width : as `interval_width` found it on images of the known kind.
    shift : by what factor, as its natural logarithm, the count may be off beyond that because the image is of another
        kind; see `neubauer.models.counter.shift`.
    strange : whether the image is unlike all that is known; the ends are then rounded outwards, so that of something
        that is never seen there it is not said that there is none.
    """
    c = max(count, 0) + 1
    known = width * float(unit(count))
    below, above = (math.hypot(known, c * factor) for factor in (1 - math.exp(-shift), math.exp(shift) - 1))
    low, high = count - below, count + above
    low, high = (math.floor(low), math.ceil(high)) if strange else (math.ceil(low), math.floor(high))
    return max(0, min(low, round(count))), max(high, round(count))


def estimate(count: float, width: float, shift: float = 0.0, strange: bool = False) -> CountEstimate:
    """A count with its `interval`."""
    return CountEstimate(count, *interval(count, width, shift, strange), (width, shift, strange))


def estimate_of_part(whole: CountEstimate, kept: int, objects: int) -> CountEstimate:
    """Count and interval of a part of what was counted: of some regions, or of what a filter keeps.

    The count is multiplied by the share of the objects in the part. Its interval is that of a count of this size by the
    same rule, with the same width and shift; of an estimate that was made otherwise, the distances to its ends shrink
    as `unit` does. So the interval is relatively wider than that of the whole. Where the whole may be nothing at all,
    the part may, too.

    Parameters
    ----------
    whole : what was counted.
    kept, objects : number of objects in the part and in the whole; where they are all, or there is none, the estimate
        is the same.
    """
    if kept == objects:
        return whole
    count = whole.count * kept / objects
    if whole.rule is not None:
        part = estimate(count, *whole.rule)
    else:
        ratio = float(unit(count) / unit(whole.count))
        below, above = (whole.count - whole.low) * ratio, (whole.high - whole.count) * ratio
        low, high = math.floor(count - below), math.ceil(count + above)
        part = CountEstimate(count, max(0, min(low, round(count))), max(high, round(count)))
    return replace(part, low=0) if whole.low == 0 else part
