"""From counts to cells in a millilitre, with the errors of counter and sampling; viability; advice."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import stats

from neubauer.chamber.rulings import Ruling
from neubauer.models.counter.interval import LEVEL, unit

FEW = 100
"""Cells in all below which sampling alone makes the concentration uncertain by 16 % and more."""
STICKING = 0.15
"""Share of counted cells in aggregates from which on it is told."""


@dataclass(frozen=True)
class Estimate:
    """A value with its interval (90 %)."""

    value: float
    low: float
    high: float


def poisson_interval(n: float, level: float = LEVEL) -> tuple[float, float]:
    """Exact interval of the mean of a Poisson distribution of which `n` was seen (Garwood, Biometrika 28:437, 1936)."""
    tail = (1 - level) / 2
    low = float(stats.chi2.ppf(tail, 2 * n) / 2) if n > 0 else 0.0
    return low, float(stats.chi2.isf(tail, 2 * n + 2) / 2)


def number(n: float, error: float) -> Estimate:
    """A count of cells as an estimate of the mean number in so large a volume.

    The half widths of the exact Poisson interval, for cells fall into squares at random, and of the counter's own
    interval are independent and add as squares.

    Parameters
    ----------
    n : counted.
    error : half width of the interval of a count by the counter, in `unit(n)`.
    """
    low, high = poisson_interval(n)
    own = error * float(unit(n))
    return Estimate(n, max(0.0, n - math.hypot(n - low, own)), n + math.hypot(high - n, own))


def concentration(
    n: float, squares: int, error: float, ruling: Ruling, dilution: float = 1.0, depth_um: float | None = None
) -> Estimate:
    """Cells in a millilitre of the undiluted sample.

    Parameters
    ----------
    n : cells counted in `squares` large squares.
    error : see `number`.
    dilution : volume after dilution to that before, such as 2 for equal parts of sample and trypan blue.
    depth_um : of the chamber, where it is not the usual one.
    """
    factor = dilution * 1000 / (squares * ruling.volume_ul(depth_um))
    found = number(n, error)
    return Estimate(found.value * factor, found.low * factor, found.high * factor)


def viability(live: int, dead: int, level: float = LEVEL) -> Estimate | None:
    """Share of live cells, with its interval (Wilson, JASA 22:209, 1927); None without any cell."""
    if live + dead == 0:
        return None
    interval = stats.binomtest(live, live + dead).proportion_ci(level, "wilson")
    return Estimate(live / (live + dead), float(interval.low), float(interval.high))


def advice(n: int, squares: int, together: np.ndarray, ruling: Ruling) -> list[str]:
    """What to do better, in words.

    Parameters
    ----------
    n : cells counted in `squares` large squares.
    together : (n,) cells in the group of touching cells that each belongs to.
    ruling : of the chamber; it says how many cells in a square are usual.
    """
    found = []
    low, high = ruling.usual
    mean = n / squares
    if mean < low:
        found.append(
            f"few cells: {mean:.1f} in a large square, {low} to {high} are usual; dilute less, or count more squares"
        )
    elif mean > high:
        found.append(f"many cells: {mean:.0f} in a large square, {low} to {high} are usual; dilute more")
    if n < FEW:
        found.append(f"{n} cells counted in all: photograph more squares, 100 to 200 cells are usual")
    sticking = float((together >= 3).mean()) if len(together) else 0.0
    if sticking > STICKING:
        found.append(f"{sticking:.0%} of the cells lie in aggregates: resuspend, and count again")
    return found
