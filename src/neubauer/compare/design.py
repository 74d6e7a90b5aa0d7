"""Which images are of one sample, which samples of one condition: what counts as a replicate, and what does not."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from neubauer.compare.samples import IMAGE, some
from neubauer.compare.wells import WELL
from neubauer.errors import InputError

SAMPLE, REPLICATE = "sample", "replicate"


@dataclass(frozen=True)
class Design:
    """How the images are grouped.

    Attributes
    ----------
    by : the column of the conditions.
    unit : the columns whose values name a sample within its condition; images that share them are pooled.
    paired : the column by which samples of different conditions belong together, or None.
    images : (N,) positions of the images that are compared.
    condition, sample : (N,) of each of them; `sample` is unique within its condition only.
    conditions : in their order.
    notes : what a person should know.
    """

    by: str
    unit: tuple[str, ...]
    paired: str | None
    images: list[int]
    condition: list[str]
    sample: list[str]
    conditions: list[str]
    notes: list[str]


def design_of(
    given: pd.DataFrame, names: list[str], by: str, sample: str | None = None, paired: str | None = None
) -> Design:
    """Group images.

    The unit of replication is the column `replicate`, unless samples have several of them (these are then repeated
    measurements of the same thing, and are pooled), else `sample`, else `well`; never the image, unless `sample` says
    so. Counting images or cells as replicates would be pseudoreplication (Hurlbert, Ecological Monographs 54:187, 1984;
    Lazic, BMC Neuroscience 11:5, 2010).

    Parameters
    ----------
    given : of each image what is known of it (text), empty where nothing is.
    names : of the images, for messages and as the column `image`.
    by : the column of the conditions.
    sample : the columns of the unit, separated by commas; None: as above, and with `paired` that column.
    paired : the column that pairs samples over conditions.

    Raises
    ------
    InputError : there is no such column or no image left, or a sample has several conditions.
    """
    table = given.assign(**{IMAGE: names})
    if paired is not None and sample not in (None, paired):
        raise InputError("--sample", f"{sample!r} beside --paired {paired}", f"one of them; {paired} is the sample")
    notes: list[str] = []
    _check(table, by, "--by")
    unit = tuple(part.strip() for part in (paired or sample or "").split(",") if part.strip())
    for column in unit:
        _check(table, column, "--paired" if paired else "--sample")
    if not unit:
        unit = (_default_unit(table, by, notes),)
    if by in unit and len(unit) == 1:
        raise InputError("--sample", f"{by!r}, which is also --by", "a column with several values in each condition")

    for column in (by, *unit):
        blank = table.index[table[column] == ""]
        if len(blank):
            notes.append(f"{some('image', [str(names[i]) for i in blank])} without {column}: left out")
            table = table.drop(blank)
    if table.empty:
        raise InputError("--by", f"no image with {by} and {', '.join(unit)}", "some")
    if paired is None and by not in unit:
        _refuse_conflicts(table, by, unit, explicit=sample is not None)
    condition = list(table[by])
    return Design(
        by,
        unit,
        paired,
        list(table.index),
        condition,
        [" ".join(row) for row in table[list(unit)].itertuples(index=False)],
        _order(condition),
        notes,
    )


def _check(table: pd.DataFrame, column: str, option: str) -> None:
    if column not in table:
        raise InputError(option, repr(column), "one of " + ", ".join(c for c in table if c != IMAGE))


def _default_unit(table: pd.DataFrame, by: str, notes: list[str]) -> str:
    if REPLICATE in table and (table[REPLICATE] != "").any():
        if SAMPLE not in table or not (table[SAMPLE] != "").any():
            return REPLICATE
        several = table.groupby([by, SAMPLE], sort=False)[REPLICATE].nunique()
        several = several[several > 1]
        if several.empty:
            return REPLICATE
        which = some("sample", list(dict.fromkeys(name for _, name in several.index)), 3)
        notes.append(
            f"{which} with several replicates: taken for repeated measurements, and pooled; "
            "where they are independent, --sample sample,replicate"
        )
        return SAMPLE
    if SAMPLE in table and (table[SAMPLE] != "").any():
        return SAMPLE
    if WELL in table and (table[WELL] != "").any():
        notes.append("no column sample: each well is taken for one")
        return WELL
    raise InputError(
        "the samples",
        "no column sample, replicate or well",
        "one of them, since images of one sample are no replicates; --sample image where each is of its own sample",
    )


def _refuse_conflicts(table: pd.DataFrame, by: str, unit: tuple[str, ...], explicit: bool) -> None:
    """One sample in two conditions; replicates may be numbered anew in each, samples may not."""
    keys = [list(unit)] if unit != (REPLICATE,) else []
    if not explicit and SAMPLE in table and SAMPLE not in unit:
        keys.append([SAMPLE])
    for key in keys:
        known = table[(table[key] != "").all(axis=1)]
        for name, found in known.groupby(key, sort=False)[by]:
            if found.nunique() > 1:
                said = " ".join(name) if isinstance(name, tuple) else str(name)
                column = ",".join(key)
                raise InputError(
                    f"{column} {said!r}",
                    f"{by} " + " and ".join(map(repr, found.unique())),
                    f"one; --paired {column} if it is the same one in each, "
                    f"--sample {by},{column} if others have the same name",
                )


def _order(condition: list[str]) -> list[str]:
    """As they come; by number where all are numbers, as doses are."""
    names = list(dict.fromkeys(condition))
    try:
        return sorted(names, key=float)
    except ValueError:
        return names
