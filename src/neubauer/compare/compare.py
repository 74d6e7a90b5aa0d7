"""Conditions compared: samples, means, pairs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from neubauer.compare.design import Design, design_of
from neubauer.compare.estimate import NAN, Group, Mean
from neubauer.compare.measure import Measure, measure_of
from neubauer.compare.mixed import mixed_means
from neubauer.compare.pairs import DUNNETT, MEANS, MIXED, Data, pair_table
from neubauer.compare.pool import sample_table
from neubauer.compare.read import read_counted
from neubauer.compare.tests import corrected
from neubauer.errors import InputError

ONE_ONLY = "one replicate only: no interval between samples, and no p-value"


@dataclass(frozen=True)
class Comparison:
    """Conditions compared.

    Attributes
    ----------
    samples : one row per sample: condition, images, cells or area that it has, value, standard error and interval from
        counting, and what else is known of it.
    conditions : one row per condition: mean with its interval over samples; standard deviations as seen, between
        samples, and of counting; interval from counting alone.
    pairs : one row per pair of conditions: difference, ratio and Hedges' g with intervals, t, p.
    notes : what a person should know.
    made_by : what counted.
    measure, design, control, method, correction, level : how it was done.
    """

    samples: pd.DataFrame
    conditions: pd.DataFrame
    pairs: pd.DataFrame
    notes: list[str]
    made_by: list[str]
    measure: Measure
    design: Design
    control: str | None
    method: str
    correction: str
    level: float


def compare_conditions(
    results: str | Path | Sequence[str | Path],
    by: str = "condition",
    *,
    measure: str = "total",
    control: str | None = None,
    sample: str | None = None,
    paired: str | None = None,
    samples: str | Sequence[str] = (),
    method: str = MEANS,
    correction: str | None = None,
    level: float = 0.95,
) -> Comparison:
    """Compare conditions over their samples, as `neubauer compare` does.

    Parameters
    ----------
    results : folders that `neubauer count` wrote.
    by : the column of the conditions.
    measure : `total`, a class, `density`, `density:CLASS`, `share:CLASS`, or a column of counts.csv or objects.csv.
    control : the condition that all others are compared with; by default all pairs are.
    sample : the columns (comma-separated) that name a sample; by default `replicate`, `sample` or `well`.
    paired : the column by which samples of different conditions belong together.
    samples : tables or patterns that say of which sample each image is; by default what was kept with the results.
    method : `means` (of the samples) or `mixed` (a mixed model of the images).
    correction : `holm`, `bonferroni`, `fdr_bh` or `none`; by default Dunnett's test where there is a control and
        nothing is paired, else Holm's correction.
    level : of the intervals.

    Raises
    ------
    InputError : folder, samples, column, condition or measure cannot be used; which, and why.
    """
    if method not in (MEANS, MIXED):
        raise InputError("--method", repr(method), f"{MEANS} or {MIXED}")
    if method == MIXED and paired is not None:
        raise InputError("--method", f"{MIXED} beside --paired", f"{MEANS}: differences within pairs need no model")
    if not 0.5 <= level < 1:
        raise InputError("--level", str(level), "at least 0.5, less than 1")
    corrected([], correction or "holm")
    folders = [Path(r) for r in ([results] if isinstance(results, str | Path) else results)]
    counted = read_counted(folders, [samples] if isinstance(samples, str) else samples)
    names = [
        item.name if len(set(counted.folders)) == 1 else f"{folder.name}/{item.name}"
        for item, folder in zip(counted.items, counted.folders, strict=True)
    ]
    design = design_of(counted.samples, names, by, sample, paired)
    if control is not None and control not in design.conditions:
        raise InputError("--control", repr(control), f"a value of {by}: {', '.join(design.conditions)}")
    if control is not None:
        design = replace(design, conditions=[control, *(name for name in design.conditions if name != control)])
    what = measure_of(measure, counted)
    notes = [*counted.notes, *design.notes, *what.notes]
    table = sample_table(counted, design, what, level, notes)
    data = _data(table, design, what, method, notes)
    dunnett = control is not None and paired is None and method == MEANS and correction is None
    done = DUNNETT if dunnett else correction or "holm"
    pairs = pair_table(data, design, control, method, done, level, notes)
    single = [name for name, group in data.groups.items() if group.n == 1]
    if single:
        notes.append(f"one replicate only in {', '.join(single)}: no interval between samples, and no p-value")
    return Comparison(
        samples=table,
        conditions=pd.DataFrame([_condition(name, data, what, level) for name in data.groups]),
        pairs=pairs,
        notes=list(dict.fromkeys(notes)),
        made_by=counted.made_by,
        measure=what,
        design=design,
        control=control,
        method=method,
        correction=done,
        level=level,
    )


def _data(table: pd.DataFrame, design: Design, what: Measure, method: str, notes: list[str]) -> Data:
    groups = {
        str(name): Group(part["value"].to_numpy(float), part["standard_error"].to_numpy(float) ** 2)
        for name, part in table.groupby("condition", sort=False)
    }
    means = {name: group.mean() for name, group in groups.items()}
    if method == MIXED:
        taken = [
            i
            for i, (image, condition) in enumerate(zip(design.images, design.condition, strict=True))
            if what.weight[image] > 0 and condition in groups and groups[condition].n > 1
        ]
        images = [design.images[i] for i in taken]
        condition, sample = [design.condition[i] for i in taken], [design.sample[i] for i in taken]
        if len(set(zip(condition, sample, strict=True))) == len(taken):
            raise InputError("--method", f"{MIXED}, with one image of each sample", f"{MEANS}, or several images")
        fitted = mixed_means(what.amount[images] / what.weight[images], condition, sample)
        for name, mean in fitted.items():  # never surer than the counts allow
            means[name] = Mean(mean.value, max(mean.variance, groups[name].counted / groups[name].n), mean.df)
        notes.append("the mixed model gives each image its own value, and samples weights by their numbers of images")
    return Data(table, groups, means)


def _condition(name: str, data: Data, what: Measure, level: float) -> dict[str, object]:
    group, mean = data.groups[name], data.means[name]
    low, high = what.clipped(*mean.interval(level))
    count_low, count_high = what.clipped(*group.counting_interval(level))
    images = int(data.samples.loc[data.samples["condition"] == name, "images"].sum())
    return {
        "condition": name,
        "samples": group.n,
        "images": images,
        "mean": mean.value,
        "low": low,
        "high": high,
        "sd": math.sqrt(group.seen) if group.n > 1 else NAN,
        "sd_between_samples": math.sqrt(group.between) if group.n > 1 else NAN,
        "sd_counting": math.sqrt(group.counted),
        "counting_low": count_low,
        "counting_high": count_high,
        "note": ONE_ONLY if group.n == 1 else "" if mean.variance > 0 else "samples without any spread: no interval",
    }
