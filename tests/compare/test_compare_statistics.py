"""Intervals and tests of comparisons: against SciPy and statsmodels, and over simulated experiments."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.mixed_linear_model import MixedLM
from statsmodels.stats.meta_analysis import effectsize_smd

from neubauer.compare.estimate import (
    Group,
    Pairs,
    difference,
    hedges_g,
    interval_of,
    noncentrality,
    p_value,
    ratio,
)
from neubauer.compare.mixed import mixed_means
from neubauer.compare.tests import corrected, dunnett

RUNS = 500
"""Experiments; the standard error of a share near 0.95 is 0.01."""


def exact(*values: float) -> Group:
    return Group(np.array(values), np.zeros(len(values)))


A, B, C = exact(12.0, 15.5, 9.0, 14.0), exact(8.0, 7.5, 10.0), exact(13.0, 17.0, 16.0, 11.0, 12.0)


def experiment(
    rng: np.random.Generator, mean: float, n: int, images: int, between: float, within: float, error: float
) -> np.ndarray:
    """(n, images) counts of images in samples, with the error of a counter."""
    samples = mean + rng.normal(0, between, (n, 1))
    return samples + rng.normal(0, within, (n, images)) + rng.normal(0, error, (n, images))


def by_sample(y: np.ndarray, error: float) -> Group:
    return Group(y.mean(1), np.full(len(y), error**2 / y.shape[1]))


def by_image(y: np.ndarray, error: float) -> Group:
    return Group(y.ravel(), np.full(y.size, error**2))


def p_of(a: Group, b: Group) -> float:
    return p_value(*difference(a.mean(), b.mean()))[1]


def test_without_errors_of_counting_it_is_welchs_test() -> None:
    known = stats.ttest_ind(A.values, B.values, equal_var=False)
    value, variance, df = difference(A.mean(), B.mean())
    assert p_value(value, variance, df) == pytest.approx((known.statistic, known.pvalue))
    assert df == pytest.approx(known.df)
    ends = known.confidence_interval(0.95)
    assert interval_of(value, variance, df, 0.95) == pytest.approx((ends.low, ends.high))
    alone = stats.t.interval(0.9, 3, A.mean_value, stats.sem(A.values))
    assert A.mean().interval(0.9) == pytest.approx(alone)


def test_pairs_are_the_paired_test() -> None:
    a, b = exact(12.0, 15.5, 9.0, 14.0), exact(10.0, 14.0, 8.0, 10.5)
    known = stats.ttest_rel(a.values, b.values)
    found = Pairs(a, b).difference()
    assert p_value(*found) == pytest.approx((known.statistic, known.pvalue))
    ends = known.confidence_interval(0.95)
    assert interval_of(*found, 0.95) == pytest.approx((ends.low, ends.high))
    # of equal ratios within pairs, the ratio of the means is certain
    value, low, high = Pairs(exact(10.0, 20.0, 30.0), exact(5.0, 10.0, 15.001)).ratio(0.95)
    assert value == pytest.approx(2, abs=0.01)
    assert high - low < 0.001


def test_hedges_g_is_that_of_statsmodels() -> None:
    known, variance = effectsize_smd(
        A.mean_value, math.sqrt(A.seen), A.n, C.mean_value, math.sqrt(C.seen), C.n
    )  # J by its approximation
    value, low, high = hedges_g(A, C, 0.95)
    assert value == pytest.approx(known, rel=0.005)
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(variance), rel=0.1)


@pytest.mark.parametrize("t", [-40.0, -2.5, 0.0, 1.0, 8.0])
@pytest.mark.parametrize("df", [1, 4, 30])
def test_noncentral_intervals(t: float, df: int) -> None:
    low, high = noncentrality(t, df, 0.95)
    assert stats.nct.cdf(t, df, low) == pytest.approx(0.975, abs=1e-4)
    assert stats.nct.cdf(t, df, high) == pytest.approx(0.025, abs=1e-4)


def test_dunnett_is_that_of_scipy_and_the_same_every_time() -> None:
    known = stats.dunnett(A.values, B.values, control=C.values, rng=np.random.default_rng(5))
    variance, df, found = dunnett([A, B], C, 0.95)
    assert df == 9
    assert [p for p, _, _ in found] == pytest.approx(known.pvalue, abs=1e-3)
    ends = known.confidence_interval(0.95)
    assert [low for _, low, _ in found] == pytest.approx(ends.low, abs=0.03)
    t = (B.mean_value - C.mean_value) / math.sqrt(variance * (1 / B.n + 1 / C.n))
    assert t == pytest.approx(known.statistic[1])
    assert dunnett([A, B], C, 0.95) == (variance, df, found)


def test_dunnett_is_never_surer_than_the_counts_allow() -> None:
    """Samples that agree by chance: the test is that of samples with the spread of their counts."""
    tight = [Group(g.mean_value + (g.values - g.mean_value) / 100, np.full(g.n, 6.0)) for g in (A, B, C)]
    variance, _, found = dunnett(tight[:2], tight[2], 0.95)
    assert variance == pytest.approx(6.0)
    assert found[1][0] > dunnett([exact(*g.values) for g in tight[:2]], exact(*tight[2].values), 0.95)[2][0][0]
    alike = [Group(np.full(3, v), np.full(3, 6.0)) for v in (9.0, 12.0)]
    variance, _, found = dunnett(alike[:1], alike[1], 0.95)
    t = 3 / math.sqrt(6 * 2 / 3)  # of one condition it is Student's test
    assert found[0][0] == pytest.approx(2 * stats.t.sf(t, 4), rel=1e-9)
    more = [Group(np.full(3, v), np.full(3, 6.0)) for v in (9.0, 8.0, 12.0)]
    assert dunnett(more[:2], more[2], 0.95)[2][0][0] > found[0][0]


def test_corrections() -> None:
    assert corrected([0.01, float("nan"), 0.04, 0.03], "holm") == pytest.approx(
        [0.03, float("nan"), 0.06, 0.06], nan_ok=True
    )
    assert corrected([0.01, 0.04], "none") == [0.01, 0.04]
    assert corrected([0.01, 0.04], "bonferroni") == pytest.approx([0.02, 0.08])


def test_the_error_of_counting_is_there_once() -> None:
    """The spread that samples show holds it already; it is added where they are by chance more alike."""
    group = Group(np.array([90.0, 100.0, 110.0]), np.array([25.0, 16.0, 9.0]))
    assert (group.seen, group.counted, group.between) == pytest.approx((100, 50 / 3, 100 - 50 / 3))
    assert group.mean().variance == pytest.approx(100 / 3)
    alike = Group(np.array([99.0, 100.0, 101.0]), np.array([25.0, 16.0, 9.0]))
    assert alike.between == 0
    assert alike.mean().variance == pytest.approx(50 / 9)
    one = Group(np.array([90.0]), np.array([25.0]))
    assert math.isnan(one.mean().interval(0.95)[0])
    assert one.counting_interval(0.95) == pytest.approx((90 - 1.96 * 5, 90 + 1.96 * 5), abs=0.01)


@pytest.mark.parametrize(
    ("n", "between", "error"), [(3, 10.0, 5.0), (4, 20.0, 4.0), (5, 4.0, 8.0)], ids=["three", "far apart", "counting"]
)
def test_intervals_cover_as_often_as_they_say(n: int, between: float, error: float) -> None:
    """Of means, differences, ratios and Hedges' g, with four images in each sample."""
    rng = np.random.default_rng(n)
    sd = math.sqrt(between**2 + (25 + error**2) / 4)
    truth = {"mean": 120.0, "difference": 20.0, "ratio": 1.2, "g": 20 / sd}
    hits = dict.fromkeys(truth, 0)
    for _ in range(RUNS):
        a = by_sample(experiment(rng, 120, n, 4, between, 5, error), error)
        b = by_sample(experiment(rng, 100, n, 4, between, 5, error), error)
        ends = {
            "mean": a.mean().interval(0.95),
            "difference": interval_of(*difference(a.mean(), b.mean()), 0.95),
            "ratio": ratio(a.mean(), b.mean(), 0.95)[1:],
            "g": hedges_g(a, b, 0.95)[1:],
        }
        for name, (low, high) in ends.items():
            hits[name] += low <= truth[name] <= high
    for name, number in hits.items():
        assert 0.92 <= number / RUNS <= 0.99, (name, number / RUNS)


def test_where_counting_is_all_the_error_intervals_are_safe() -> None:
    """Samples that do not differ: their means would have too narrow intervals half of the time, were it forgotten."""
    rng = np.random.default_rng(0)
    kept = forgotten = 0
    for _ in range(RUNS):
        y = experiment(rng, 100, 3, 2, 0, 0, 10)
        low, high = by_sample(y, 10).mean().interval(0.95)
        kept += low <= 100 <= high
        bare = Group(y.mean(1), np.zeros(3)).mean().variance
        forgotten += bare < 10**2 / 6
    assert kept / RUNS >= 0.95
    assert forgotten / RUNS > 0.4


def test_paired_intervals_cover_and_need_pairs() -> None:
    """What the samples of a pair have in common is no error of their difference."""
    rng = np.random.default_rng(2)
    hits = wider = 0
    for _ in range(RUNS):
        common = rng.normal(0, 30, (5, 1))
        a = by_sample(experiment(rng, 220, 5, 3, 5, 5, 4) + common, 4)
        b = by_sample(experiment(rng, 200, 5, 3, 5, 5, 4) + common, 4)
        low, high = interval_of(*Pairs(a, b).difference(), 0.95)
        hits += low <= 20 <= high
        apart = interval_of(*difference(a.mean(), b.mean()), 0.95)
        wider += apart[1] - apart[0] > high - low
    assert 0.92 <= hits / RUNS <= 0.98
    assert wider / RUNS > 0.98


def test_false_alarms_are_as_rare_as_promised_and_not_if_images_were_replicates() -> None:
    """No difference, images nested in samples: 5 % of the tests of samples see one, and far more of those of images."""
    rng = np.random.default_rng(1)
    samples = images = 0
    for _ in range(RUNS):
        a, b = (experiment(rng, 100, 4, 6, 15, 8, 5) for _ in range(2))
        samples += p_of(by_sample(a, 5), by_sample(b, 5)) < 0.05
        images += p_of(by_image(a, 5), by_image(b, 5)) < 0.05
    assert 0.02 <= samples / RUNS <= 0.08
    assert images / RUNS > 0.3


def test_the_mixed_model_of_equal_samples_is_the_test_of_their_means() -> None:
    """Known of balanced nested designs; Wald's test, as statsmodels does it, has a smaller p-value."""
    rng = np.random.default_rng(4)
    for _ in range(3):
        a, b = experiment(rng, 120, 3, 4, 20, 5, 0), experiment(rng, 90, 3, 4, 20, 5, 0)
        names = [str(i) for i in np.repeat(range(3), 4)]
        means = mixed_means(np.concatenate([a.ravel(), b.ravel()]), ["a"] * 12 + ["b"] * 12, names * 2)
        value, variance, _ = difference(means["a"], means["b"])
        known = stats.ttest_ind(a.mean(1), b.mean(1))
        assert means["a"].df == 4
        assert p_value(value, variance, 4) == pytest.approx((known.statistic, known.pvalue), rel=2e-3)
        assert 2 * stats.norm.sf(abs(known.statistic)) < known.pvalue


def test_the_mixed_model_of_unequal_samples_is_that_of_statsmodels() -> None:
    rng = np.random.default_rng(6)
    condition, sample, y = [], [], []
    for c, mean in (("a", 100.0), ("b", 80.0)):
        for s, images in enumerate((2, 5, 3, 7)):
            level = mean + rng.normal(0, 12)
            condition += [c] * images
            sample += [str(s)] * images
            y += list(level + rng.normal(0, 6, images))
    exog = np.array([[c == "a", c == "b"] for c in condition], float)
    known = MixedLM(np.array(y), exog, np.array([f"{c}{s}" for c, s in zip(condition, sample, strict=True)])).fit()
    found = mixed_means(np.array(y), condition, sample)
    assert [found[c].value for c in "ab"] == pytest.approx(known.fe_params, rel=1e-3)
    assert [math.sqrt(found[c].variance) for c in "ab"] == pytest.approx(known.bse_fe, rel=1e-2)
