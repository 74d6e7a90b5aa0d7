"""Counting chambers from Python."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from neubauer.chamber.samples import read_samples
from neubauer.runs.events import Event, Failed, Note
from neubauer.runs.executors import InProcess, LocalProcesses
from neubauer.runs.inputs import find_items
from neubauer.runs.jobs.chamber import SAMPLES, Chamber
from neubauer.runs.run import run


def count_chambers(
    photographs: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    samples: str | Path | None = None,
    recursive: bool = False,
    workers: int = 1,
    overwrite: bool = False,
    **options: Any,
) -> pd.DataFrame:
    """Count cells in photographs of counting chambers, as `neubauer chamber` does.

    Parameters
    ----------
    photographs : a folder, files, globs, or a CSV table with a column `image`.
    out : folder for tables and pictures; by default only the table is made.
    samples : CSV table with the columns `image`, `sample` and optionally `dilution`; by default all photographs are of
        one sample.
    recursive : take the images in sub-folders, too.
    workers : processes on this machine.
    overwrite : remove the results of an earlier run first.
    options : see `neubauer.runs.jobs.chamber.Chamber`: `chamber`, `dilution`, `depth_um`, `trypan_blue` ...

    Returns
    -------
    One row per sample, as in samples.csv: cells counted, in a square and in a millilitre, with 90 % intervals;
    viability; advice. Photographs that cannot be counted are left out; a warning names each.

    Raises
    ------
    InputError : no image, none that could be counted, bad options, or the folder holds the results of another run.
    OutputError : the folder cannot be written to.
    """
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            options = {"overlays": False} | options
            return count_chambers(photographs, folder, samples=samples, recursive=recursive, workers=workers, **options)
    items = find_items(photographs, recursive=recursive, on_event=_warn)
    table = {} if samples is None else read_samples(Path(samples), float(options.get("dilution", 1.0)))
    executor = InProcess() if workers == 1 else LocalProcesses(workers)
    run(Chamber(samples=table, **options), items, out, overwrite=overwrite, executor=executor, on_event=_warn)
    file = Path(out) / SAMPLES
    return (
        pd.read_csv(file, dtype={"sample": str, "advice": str}, keep_default_na=False)
        if file.exists()
        else pd.DataFrame()
    )


def _warn(event: Event) -> None:
    if isinstance(event, Failed):
        warnings.warn(f"not counted: {event.reason}", stacklevel=4)
    elif isinstance(event, Note):
        warnings.warn(event.text, stacklevel=4)
