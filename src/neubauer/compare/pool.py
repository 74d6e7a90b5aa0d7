"""Images pooled into samples."""

from __future__ import annotations

import math
from statistics import NormalDist

import pandas as pd

from neubauer.compare.design import Design
from neubauer.compare.measure import Measure
from neubauer.compare.read import Counted
from neubauer.compare.samples import some
from neubauer.errors import InputError


def sample_table(counted: Counted, design: Design, what: Measure, level: float, notes: list[str]) -> pd.DataFrame:
    """One row per sample: condition, sample, images, flagged, value, low, high, standard_error, and what else is known.

    Interval and standard error are those of counting alone. What is missing is added to `notes`.

    Raises
    ------
    InputError : no sample has the measure.
    """
    frame = pd.DataFrame({"image": design.images, "condition": design.condition, "sample": design.sample})
    flag = counted.table["flag"].fillna("") if "flag" in counted.table else pd.Series("", index=counted.table.index)
    rows, empty = [], []
    for condition in design.conditions:
        for sample, part in frame[frame["condition"] == condition].groupby("sample", sort=False):
            images = part["image"].to_numpy()
            value, variance = what.pooled(images)
            if math.isnan(value):
                empty.append(f"{sample} of {condition}")
                continue
            half = NormalDist().inv_cdf((1 + level) / 2) * math.sqrt(variance)
            low, high = what.clipped(value - half, value + half)
            row = {
                "condition": condition,
                "sample": sample,
                "images": len(images),
                "flagged": int((flag.iloc[images] != "").sum()),
                "value": value,
                "low": low,
                "high": high,
                "standard_error": math.sqrt(variance),
            }
            given = counted.samples.iloc[images]
            for column in given:
                if column not in row and column != design.by and given[column].nunique() == 1:
                    row[column] = given[column].iloc[0]
            rows.append(row)
    if empty:
        notes.append(f"{some('sample', empty)} without anything to measure {what.name} by: left out")
    if not rows:
        raise InputError("--measure", f"{what.name}, which no sample has", "a measure of something that was counted")
    return pd.DataFrame(rows)
