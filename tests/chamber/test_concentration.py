"""Cells in a millilitre, with intervals that hold what they should."""

from __future__ import annotations

import numpy as np
import pytest

from neubauer.chamber.concentration import advice, concentration, number, poisson_interval, viability
from neubauer.chamber.rulings import ruling_of

NEUBAUER, FUCHS = ruling_of("neubauer-improved"), ruling_of("fuchs-rosenthal")
ALONE = np.ones(0, int)


def test_the_textbook_formula() -> None:
    """Cells in four squares / 4 x dilution x 10,000."""
    assert concentration(160, 4, 0.5, NEUBAUER, dilution=2).value == pytest.approx(160 / 4 * 2 * 1e4)
    assert concentration(48, 16, 0.5, FUCHS).value == pytest.approx(48 / 3.2e-3)
    assert concentration(40, 1, 0.5, NEUBAUER, depth_um=20).value == pytest.approx(40 * 5e4)


def test_poisson_intervals_are_those_of_the_tables() -> None:
    """Garwood's 90 % limits."""
    assert poisson_interval(0) == (0, pytest.approx(2.996, abs=1e-3))
    assert poisson_interval(10) == (pytest.approx(5.425, abs=1e-3), pytest.approx(16.962, abs=1e-3))


def test_intervals_hold_sampling_and_counting() -> None:
    """In 90 % of samples, where the counter misses and invents as its own interval says."""
    rng = np.random.default_rng(1)
    error, mean, held, sampling = 0.8, 80.0, 0, 0
    for _ in range(2000):
        n = rng.poisson(mean)
        spread = error * np.sqrt(n + 1 + (0.05 * n) ** 2) / 1.645
        seen = max(0, round(rng.normal(n, spread)))
        found = number(seen, error)
        held += found.low <= mean <= found.high
        low, high = poisson_interval(seen)
        sampling += low <= mean <= high
    assert 0.88 < held / 2000 < 0.94
    assert sampling < held - 50  # without the error of the counter it would be too narrow


def test_the_interval_of_nothing_reaches_from_zero() -> None:
    found = number(0, 0.5)
    assert found.low == 0
    assert found.high > 2.99


def test_viability() -> None:
    found = viability(90, 10)
    assert found is not None
    assert found.value == pytest.approx(0.9)
    assert (found.low, found.high) == (pytest.approx(0.8390, abs=1e-3), pytest.approx(0.9395, abs=1e-3))
    assert viability(0, 0) is None


def test_advice() -> None:
    assert advice(140, 4, ALONE, NEUBAUER) == []
    few = advice(12, 4, ALONE, NEUBAUER)
    assert "few cells: 3.0" in few[0]
    assert "12 cells counted in all" in few[1]
    assert "dilute more" in advice(300, 2, ALONE, NEUBAUER)[0]
    assert "aggregates" in advice(140, 4, np.array([3, 3, 3, 1, 1]), NEUBAUER)[0]
