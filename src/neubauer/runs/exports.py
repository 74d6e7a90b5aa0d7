"""The tables of a run for other programs: a workbook, Parquet, AnnData; made from the folder of results."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from neubauer.cells.write import excel
from neubauer.cells.write.anndata import need_anndata, write_anndata
from neubauer.cells.write.excel import Sheet, need_excel, write_excel
from neubauer.cells.write.object_table import ObjectTable, open_objects
from neubauer.cells.write.parquet import need_parquet, write_parquet
from neubauer.runs.events import Note, OnEvent, unheard
from neubauer.runs.record import FILE, Record, read_record

COUNTS, OBJECTS, FAILED = "counts.csv", "objects.csv", "failed.csv"
TEXTS = ("image", "file", "flag", "reason", "level", "region", "region_class", "parent")
"""Columns that are no numbers, whatever they look like."""
MORE = ("regions", "quality", "samples")
"""Further tables of a run, where it has them."""
EXCEL, PARQUET, ANNDATA = "results.xlsx", "objects.parquet", "cells.h5ad"
NEEDS: dict[str, Callable[[], None]] = {EXCEL: need_excel, PARQUET: need_parquet, ANNDATA: need_anndata}


def check_exports(wanted: Sequence[str]) -> None:
    """Before anything is counted: what these files need is installed.

    Raises
    ------
    InputError : it is not.
    """
    for name in wanted:
        NEEDS[name]()


def export(out: Path, wanted: Sequence[str], on_event: OnEvent = unheard) -> None:
    """Make further tables of the results in a folder.

    Parameters
    ----------
    out : the folder of a run of `neubauer count`.
    wanted : of `EXCEL`, `PARQUET`, `ANNDATA`.
    on_event : hears where a table does not fit on one sheet.

    Raises
    ------
    InputError : what it needs is not installed.
    OutputError : a file cannot be written.
    """
    check_exports(wanted)
    if not wanted:
        return
    counts = pd.read_csv(out / COUNTS, dtype=str, keep_default_na=False)
    objects = open_objects(out / OBJECTS, dict(zip(counts["image"], counts["file"], strict=True)))
    if PARQUET in wanted:
        write_parquet(out / PARQUET, objects)
    if ANNDATA in wanted:
        write_anndata(out / ANNDATA, objects)
    if EXCEL in wanted:
        record = read_record(out / FILE)
        names = write_excel(out / EXCEL, _sheets(out, objects, record), begun(record))
        more = [name for name in names if name.startswith("objects ")]
        if more:
            on_event(
                Note(f"{EXCEL}: {objects.rows:,} objects do not fit on one sheet; they go on in {', '.join(more)}")
            )


def begun(record: Record) -> datetime:
    """When the last call of a run began, UTC: the date that its tables and its report bear."""
    started = [str(session["started"]) for session in record.sessions if session.get("started")]
    return (datetime.fromisoformat(max(started)) if started else datetime(1980, 1, 1)).astimezone(UTC)


def _sheets(out: Path, objects: ObjectTable, record: Record) -> Iterator[Sheet]:
    yield _of_csv(out / COUNTS, "counts")
    yield Sheet("objects", list(objects.kinds), (row for chunk in objects.chunks() for row in _plain_rows(chunk)))
    for name in MORE:
        if (out / f"{name}.csv").exists():
            yield _of_csv(out / f"{name}.csv", name, texts=name == "samples")
    if (out / FAILED).exists():
        yield _of_csv(out / FAILED, "failed")
    else:
        yield Sheet("failed", ("image", "reason"), [])
    yield Sheet("settings", ("setting", "value"), _settings(objects, record))


def _plain_rows(chunk: pd.DataFrame) -> Iterator[tuple[Any, ...]]:
    """With Python's own numbers; a column at a time, which is much quicker than a row at a time."""
    return zip(*(chunk[name].tolist() for name in chunk), strict=True)


def _of_csv(path: Path, name: str, texts: bool = False) -> Sheet:
    with open(path, encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    numbers = [not texts and column not in TEXTS for column in header]
    return Sheet(name, header, [[_number(v) if n else v for v, n in zip(row, numbers, strict=True)] for row in rows])


def _number(text: str) -> Any:
    """A number where the text is one, nothing where it is empty."""
    if not text:
        return None
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        return value if value - value == 0 else text  # a workbook knows no infinity
    return text


def _settings(objects: ObjectTable, record: Record) -> Iterator[tuple[str, Any]]:
    for name, value in record.settings.items():
        yield name, value if isinstance(value, str | int | float) else json.dumps(value)
    yield "images", len(record.images)
    yield "objects", objects.rows
    sheets = max(1, -(-objects.rows // (excel.LIMIT - 1)))
    yield "sheets with objects", f"{sheets}: a sheet holds {excel.LIMIT:,} rows" if sheets > 1 else 1
    for number, session in enumerate(record.sessions, start=1):
        yield f"call {number}", json.dumps(session)
