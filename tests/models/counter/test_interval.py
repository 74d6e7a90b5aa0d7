"""Intervals hold the true count as often as they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neubauer.models.counter.interval import LEVEL, interval, interval_width, unit


def coverage(n: int, draws: int = 1500) -> float:
    """How often the interval of a new image holds its count: counts of many sizes, off by Poisson noise."""
    rng = np.random.default_rng(n)
    held = 0
    for _ in range(draws):
        mean = rng.uniform(10, 400, n + 1)
        predicted = np.maximum(mean + rng.normal(0, 1, n + 1), 0)
        true = rng.poisson(mean)
        low, high = interval(predicted[-1], interval_width(true[:-1], predicted[:-1]))
        held += low <= true[-1] <= high
    return held / draws


def test_covers_new_images_with_many_to_calibrate_on() -> None:
    assert LEVEL - 0.02 <= coverage(50) <= LEVEL + 0.05  # two standard errors of 1500 draws are 0.015


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7, 8])
def test_covers_new_images_with_few_to_calibrate_on(n: int) -> None:
    assert LEVEL - 0.02 <= coverage(n) < 0.99


def test_width_is_the_quantile_of_the_scores() -> None:
    predicted = np.full(19, 99.0)
    true = predicted + unit(99) * np.arange(1, 20)  # scores 1 ... 19, of which the ceil(20 * 0.9) = 18th
    assert interval_width(true, predicted) == pytest.approx(18)
    assert interval_width(predicted, predicted) == 0


@pytest.mark.parametrize("count", [0.0, 0.2, 0.5, 1.5, 7.49, 12.51, 1e4 + 0.3])
@pytest.mark.parametrize("width", [0.0, 0.01, 0.3, 2.0])
def test_interval_is_whole_and_holds_the_rounded_count(count: float, width: float) -> None:
    low, high = interval(count, width)
    assert 0 <= low <= round(count) <= high
    assert low == int(low)
    assert high == int(high)
    reach = width * float(unit(count))
    assert count - reach - 1 < low
    assert high < count + reach + 1


def test_without_images_there_is_no_interval() -> None:
    with pytest.raises(ValueError, match="at least one"):
        interval_width([], [])


def test_errors_of_large_counts_grow_with_the_count() -> None:
    assert unit(0) == 1
    assert unit(10) == pytest.approx(math.sqrt(11), rel=0.02)
    assert unit(10_000) == pytest.approx(500, rel=0.05)


def test_a_shift_widens_by_a_factor_and_more_above_than_below() -> None:
    low, high = interval(100, 0.5, shift=math.log(1.5))
    assert low == pytest.approx(100 / 1.5, abs=4)
    assert high == pytest.approx(150, abs=4)
    assert interval(100, 0.5, shift=0.0) == interval(100, 0.5)
    narrow, wide = (interval(100, 3.0, shift=s) for s in (0.0, 0.1))
    assert wide[0] <= narrow[0]
    assert wide[1] >= narrow[1]


def test_of_what_is_not_found_in_a_strange_image_it_is_not_said_that_there_is_none() -> None:
    assert interval(0, 0.3, 0.4) == (0, 0)
    assert interval(0, 0.3, 0.4, strange=True) == (0, 1)
