"""Pairs of conditions: effect sizes with intervals, p-values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from neubauer.compare.design import Design
from neubauer.compare.estimate import (
    NAN,
    Group,
    Interval,
    Mean,
    Pairs,
    difference,
    hedges_g,
    interval_of,
    p_value,
    ratio,
)
from neubauer.compare.samples import some
from neubauer.compare.tests import corrected, dunnett
from neubauer.errors import InputError

MEANS, MIXED = "means", "mixed"
WELCH, PAIRED_T, DUNNETT, MIXED_T = "Welch's t-test", "paired t-test", "Dunnett's test", "mixed model"
EFFECT_COLUMNS = [f"{name}{end}" for name in ("difference", "ratio", "hedges_g") for end in ("", "_low", "_high")]
COLUMNS = [
    *("condition", "reference", "samples", "reference_samples"),
    *EFFECT_COLUMNS,
    *("t", "df", "p", "p_adjusted", "test", "note"),
]


@dataclass(frozen=True)
class Data:
    """What pairs are made of.

    Attributes
    ----------
    samples : one row per sample (`sample_table`).
    groups, means : of each condition.
    """

    samples: pd.DataFrame
    groups: Mapping[str, Group]
    means: Mapping[str, Mean]


def pair_table(
    data: Data, design: Design, control: str | None, method: str, correction: str, level: float, notes: list[str]
) -> pd.DataFrame:
    """One row per pair of conditions, the later less the earlier one, or each less the control.

    Parameters
    ----------
    correction : of the p-values; `DUNNETT` for that test, which needs a control.
    notes : what a person should know is added.

    Raises
    ------
    InputError : the control has no sample.
    """
    names = list(data.groups)
    if control is not None and control not in names:
        raise InputError("--control", f"{control!r}, of which no sample could be measured", "a condition with samples")
    if control is None:
        chosen = list(itertools.combinations(names, 2))
    else:
        chosen = [(control, name) for name in names if name != control]
    rows = []
    for reference, name in chosen:
        if design.paired is None:
            rows.append(_row(name, reference, _apart(name, reference, data, method, level), level))
        else:
            rows.append(_row(name, reference, _together(name, reference, data, design.paired, level, notes), level))
    if correction == DUNNETT and control is not None:
        _by_dunnett(rows, data, control, level)
    else:
        for row, p in zip(rows, corrected([row["p"] for row in rows], correction), strict=True):
            row["p_adjusted"] = p
    return pd.DataFrame(rows, columns=COLUMNS)


@dataclass(frozen=True)
class _Effects:
    """Of a pair of conditions: `difference` with its variance and degrees of freedom, the others with intervals."""

    samples: tuple[int, int]
    difference: tuple[float, float, float]
    ratio: Interval
    hedges_g: Interval
    test: str
    note: str = ""


def _apart(name: str, reference: str, data: Data, method: str, level: float) -> _Effects:
    """Of conditions with samples of their own."""
    a, b = data.groups[name], data.groups[reference]
    mean_a, mean_b = data.means[name], data.means[reference]
    found = difference(mean_a, mean_b)
    if method == MIXED:  # both variances are of one model
        found = (*found[:2], mean_a.df)
    single = [n for n, group in ((name, a), (reference, b)) if group.n == 1]
    return _Effects(
        (a.n, b.n),
        found,
        ratio(mean_a, mean_b, level),
        hedges_g(a, b, level),
        {MEANS: WELCH, MIXED: MIXED_T}[method],
        f"one replicate only in {' and '.join(single)}" if single else "",
    )


def _together(name: str, reference: str, data: Data, paired: str, level: float, notes: list[str]) -> _Effects:
    """Of conditions that share their samples."""
    pairs, unmatched = _matched(data.samples, name, reference)
    if unmatched:
        notes.append(
            f"{name} and {reference}: {some('sample', unmatched)} of {paired} in one only, left out of the pairs"
        )
    if pairs is None:
        nothing = (NAN, NAN, NAN)
        return _Effects((0, 0), nothing, nothing, nothing, PAIRED_T, f"no {paired} in both")
    n = pairs.a.n
    note = "one pair only" if n == 1 else ""
    return _Effects((n, n), pairs.difference(), pairs.ratio(level), pairs.hedges_g(level), PAIRED_T, note)


def _row(name: str, reference: str, effects: _Effects, level: float) -> dict[str, Any]:
    found = effects.difference
    t, p = p_value(*found)
    known = not math.isnan(p)
    values = ((found[0], *interval_of(*found, level)), effects.ratio, effects.hedges_g)
    return {
        "condition": name,
        "reference": reference,
        "samples": effects.samples[0],
        "reference_samples": effects.samples[1],
        **dict(zip(EFFECT_COLUMNS, (number for value in values for number in value), strict=True)),
        "t": t,
        "df": found[2] if known else NAN,
        "p": p,
        "p_adjusted": NAN,
        "test": effects.test if known else "",
        "note": effects.note or ("" if known else "samples without any spread: no p-value"),
    }


def _matched(samples: pd.DataFrame, name: str, reference: str) -> tuple[Pairs | None, list[str]]:
    """The samples that both conditions have, in the same order; and those that only one has."""
    own, other = (samples[samples["condition"] == c].set_index("sample") for c in (name, reference))
    both = [s for s in own.index if s in other.index]
    one = [s for s in [*own.index, *other.index] if s not in both]
    if not both:
        return None, one
    a, b = (Group(t.loc[both, "value"].to_numpy(), t.loc[both, "standard_error"].to_numpy() ** 2) for t in (own, other))
    return Pairs(a, b), one


def _by_dunnett(rows: list[dict[str, Any]], data: Data, control: str, level: float) -> None:
    """Put Dunnett's test and its simultaneous intervals in place of Welch's test of each pair."""
    taken = [row for row in rows if data.groups[row["condition"]].n > 1]
    if not taken or data.groups[control].n < 2:
        return
    groups = [data.groups[row["condition"]] for row in taken]
    variance, df, found = dunnett(groups, data.groups[control], level)
    for row, group, (p, low, high) in zip(taken, groups, found, strict=True):
        of_difference = variance * (1 / group.n + 1 / data.groups[control].n)
        t, alone = p_value(row["difference"], of_difference, df)
        p = min(
            max(p, alone), len(taken) * alone, 1.0
        )  # within what is known of it; the integral is good to about 0.001
        row |= {"t": t, "df": df, "p": alone, "p_adjusted": p, "test": DUNNETT if not math.isnan(p) else ""}
        row |= {"difference_low": low, "difference_high": high}
