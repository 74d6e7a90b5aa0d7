import numpy as np
import pytest
from sklearn.metrics import mean_absolute_percentage_error, r2_score, root_mean_squared_error

from neubauer.metrics.counting import count_errors, interval_coverage


def test_errors_by_hand_and_by_scikit_learn():
    true, predicted = [10, 20, 30, 0], [12, 17, 30, 1]
    errors = count_errors(true, predicted)
    assert errors["n"] == 4
    assert errors["mae"] == pytest.approx(6 / 4)
    assert errors["bias"] == pytest.approx(0)
    assert errors["rmse"] == pytest.approx(root_mean_squared_error(true, predicted))
    assert errors["r2"] == pytest.approx(r2_score(true, predicted))
    assert errors["mape"] == pytest.approx(mean_absolute_percentage_error(true[:3], predicted[:3]))
    assert count_errors([5, 5], [7, 8])["bias"] == pytest.approx(2.5)


def test_what_is_not_defined_is_nan():
    assert np.isnan([v for k, v in count_errors([], []).items() if k != "n"]).all()
    empty = count_errors([0, 0], [0, 1])
    assert empty["mae"] == 0.5
    assert np.isnan([empty["mape"], empty["r2"]]).all()
    with pytest.raises(ValueError, match="2 true and 1 predicted"):
        count_errors([1, 2], [1])


def test_coverage_includes_the_ends():
    result = interval_coverage([5, 5, 5, 5], [5, 4, 6, 0], [9, 5, 7, 4])
    assert result == {"n": 4, "coverage": 0.5, "width": pytest.approx(10 / 4)}
    assert np.isnan(interval_coverage([], [], [])["coverage"])
    with pytest.raises(ValueError, match="1 true"):
        interval_coverage([1], [1, 2], [3, 4])
