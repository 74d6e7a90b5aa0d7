import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

from neubauer.metrics.calibration import brier_score, expected_calibration_error, reliability_bins


def test_bins_by_hand():
    bins = reliability_bins([0, 0.2, 0.3, 0.5, 1], [0, 0, 1, 1, 1], 2)
    assert bins["n"].tolist() == [4, 1]  # 0.5 is in (0, 0.5]
    assert bins["mean_probability"].tolist() == pytest.approx([0.25, 1])
    assert bins["fraction_correct"].tolist() == pytest.approx([0.5, 1])
    assert bins[["low", "high"]].to_numpy().tolist() == [[0, 0.5], [0.5, 1]]
    assert expected_calibration_error([0, 0.2, 0.3, 0.5, 1], [0, 0, 1, 1, 1], 2) == pytest.approx(4 / 5 * 0.25)


def test_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    p = rng.random(500)
    y = rng.random(500) < p**2
    fraction, mean = calibration_curve(y, p, n_bins=10)
    bins = reliability_bins(p, y)
    np.testing.assert_allclose(bins["fraction_correct"], fraction)
    np.testing.assert_allclose(bins["mean_probability"], mean)
    assert brier_score(p, y) == pytest.approx(brier_score_loss(y, p))


def test_honest_and_overconfident_probabilities():
    rng = np.random.default_rng(1)
    p = rng.random(20_000)
    y = rng.random(20_000) < p
    assert expected_calibration_error(p, y) < 0.02
    assert expected_calibration_error(np.where(p > 0.5, 1, 0), y) == pytest.approx(0.25, abs=0.02)


def test_nothing_and_nonsense():
    assert np.isnan(expected_calibration_error([], []))
    assert np.isnan(brier_score([], []))
    assert reliability_bins([], [])["n"].sum() == 0
    with pytest.raises(ValueError, match="2 probabilities and 1 outcomes"):
        brier_score([0.1, 0.2], [1])
    for p in (-0.1, 1.1, np.nan):
        with pytest.raises(ValueError, match="not within"):
            reliability_bins([p], [1])
