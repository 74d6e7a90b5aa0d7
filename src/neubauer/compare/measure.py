"""What is compared: counts, densities, shares, or a column; of each image, and pooled over those of a sample."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pandas as pd

from neubauer.compare.area import areas_mm2
from neubauer.compare.read import Counted
from neubauer.errors import InputError
from neubauer.models.counter.interval import LEVEL

TOTAL, DENSITY, SHARE = "total", "density", "share"


@dataclass(frozen=True)
class Measure:
    """What is compared, of each of N images. A sample has the sum of `amount` over the sum of `weight`.

    Attributes
    ----------
    name : as it was asked for.
    label : for the axis of a plot, with the unit.
    amount, weight : (N,) cells and images for a count, cells and area for a density, cells and all cells for a share.
    error : (N,) standard error of `amount`; 0 where nothing tells it.
    rest_error : (N,) for a share the standard error of all other cells, else None.
    upper : the largest value that there can be.
    positive : whether a value below 0 cannot be.
    notes : what a person should know.
    """

    name: str
    label: str
    amount: np.ndarray
    weight: np.ndarray
    error: np.ndarray
    rest_error: np.ndarray | None = None
    upper: float = math.inf
    positive: bool = True
    notes: tuple[str, ...] = ()

    def pooled(self, images: np.ndarray) -> tuple[float, float]:
        """(value, its variance from counting) of some images together; NaN where their weight is 0.

        The errors of images are taken as independent. Of a share p = x / (x + r) the errors of x and r are taken as
        opposed within an image, as where cells are put into the wrong class: the error of p is then
        ((1 - p) se(x) + p se(r)) / (x + r), the largest that it can be.
        """
        weight = float(self.weight[images].sum())
        if not weight > 0:
            return math.nan, math.nan
        value = float(self.amount[images].sum()) / weight
        error = self.error[images]
        if self.rest_error is not None:
            error = (1 - value) * error + value * self.rest_error[images]
        return value, float((error**2).sum()) / weight**2

    def clipped(self, low: float, high: float) -> tuple[float, float]:
        """Ends of an interval, within what there can be."""
        return (max(low, 0.0) if self.positive else low), min(high, self.upper)


def standard_error(count: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Standard errors of counts, from the ends of their intervals (`neubauer.models.counter.interval`).

    Half the width over the normal quantile of the level; where an interval ends at 0 since there are no negative
    counts, the half that is whole. NaN where there is no interval.
    """
    quantile = NormalDist().inv_cdf((1 + LEVEL) / 2)
    below, above = count - low, high - count
    half = np.where((low <= 0) & (above > below), above, (below + above) / 2)
    return half / quantile


def measure_of(name: str, counted: Counted) -> Measure:
    """What `name` asks for.

    Parameters
    ----------
    name : `total` or a class (cells per image); `density` or `density:CLASS` (per mm²; per million pixels where the
        pixel size is not known); `share:CLASS` (of all cells); a column of numbers of counts.csv (mean over images,
        with the errors that its columns `_low` and `_high` tell) or of objects.csv, `area` or `area:CLASS` (mean over
    cells). counted : the images.

    Raises
    ------
    InputError : there is no such thing.
    """
    first, colon, cls = name.partition(":")
    classes, n = counted.classes, len(counted.table)
    if name in counted.table and name not in (DENSITY, "image", "flag"):
        amount = _numbers(counted, name)
        error, notes = _error(counted, name, amount)
        what = {TOTAL: "cells per image"}.get(name, f"{name} per image" if name in classes else name)
        return Measure(name, what, amount, np.ones(n), error, notes=notes, positive=bool((amount >= 0).all()))
    if colon and first in (DENSITY, SHARE) and cls not in classes:
        raise InputError("--measure", repr(name), "one of " + ", ".join(f"{first}:{c}" for c in classes))
    if first == DENSITY:
        amount = _numbers(counted, cls or TOTAL)
        error, notes = _error(counted, cls or TOTAL, amount)
        area, unit, said = areas_mm2(counted.items, counted.folders)
        return Measure(name, f"{cls or 'cells'} per {unit}", amount, area, error, notes=(*notes, *said))
    if first == SHARE and colon:
        return _share(name, cls, counted)
    return _of_cells(name, first, cls, counted)


def _share(name: str, cls: str, counted: Counted) -> Measure:
    counts = {c: _numbers(counted, c) for c in counted.classes}
    errors = {c: _error(counted, c, counts[c]) for c in counts}
    rest = np.sqrt(np.sum([errors[c][0] ** 2 for c in counts if c != cls] or [np.zeros(len(counts[cls]))], axis=0))
    total = np.sum(list(counts.values()), axis=0)
    label = f"share of {cls} among all cells"
    return Measure(name, label, counts[cls], total, errors[cls][0], rest, upper=1.0, notes=errors[cls][1])


def _of_cells(name: str, column: str, cls: str, counted: Counted) -> Measure:
    """The mean over cells of a column of objects.csv."""
    try:
        cells = counted.objects(list(dict.fromkeys([column, *(["class"] if cls else [])])))
    except InputError as wrong:
        if not wrong.found.startswith("no column"):
            raise
        counts = [c for c in counted.table if c not in ("image", "flag") and not c.endswith(("_low", "_high"))]
        expected = f"{DENSITY}, {SHARE}:CLASS, {', '.join(counts)}, or a column of numbers of {wrong.where}"
        raise InputError("--measure", repr(name), expected) from wrong
    if cls:
        if cls not in set(cells["class"]):
            raise InputError("--measure", repr(name), f"a class of objects.csv: {', '.join(cells['class'].unique())}")
        cells = cells[cells["class"] == cls]
    if not pd.api.types.is_numeric_dtype(cells[column]):
        raise InputError("--measure", f"{column!r}, which is text", "a column of numbers")
    cells = cells.dropna(subset=column)
    by_image = cells.groupby("row")[column].agg(["sum", "count"]).reindex(range(len(counted.table)), fill_value=0)
    amount, weight = by_image["sum"].to_numpy(float), by_image["count"].to_numpy(float)
    notes = ("the mean over the cells of a sample; which cells were found is taken as right",)
    label = f"mean {column} of {cls or 'cells'}"
    error = np.zeros(len(amount))
    return Measure(name, label, amount, weight, error, positive=bool((cells[column] >= 0).all()), notes=notes)


def _numbers(counted: Counted, column: str) -> np.ndarray:
    values = pd.to_numeric(counted.table[column], errors="coerce").to_numpy(float)
    if np.isnan(values).any():
        names = [counted.items[i].name for i in np.flatnonzero(np.isnan(values))]
        raise InputError(f"the column {column!r} of counts.csv", f"no number for {', '.join(names[:5])}", "numbers")
    return values


def _error(counted: Counted, column: str, amount: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """Standard errors of a column of counts.csv, and what to say of them."""
    if f"{column}_low" not in counted.table or f"{column}_high" not in counted.table:
        return np.zeros(len(amount)), (
            f"{column} has no intervals of its own: only the spread between samples is known",
        )
    low, high = (
        pd.to_numeric(counted.table[f"{column}{end}"], errors="coerce").to_numpy(float) for end in ("_low", "_high")
    )
    error = standard_error(amount, low, high)
    unknown = int(np.isnan(error).sum())
    said = (f"{unknown} of {len(error)} images have no interval of {column}: taken as exact",) if unknown else ()
    return np.nan_to_num(error), said
