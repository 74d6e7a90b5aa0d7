"""`neubauer chamber`: photographs of counting chambers in; cells in a millilitre, tables and pictures out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neubauer.cli.common import SOME_FAILED, errors_to_exit
from neubauer.cli.options import Inputs, Recursive, Workers
from neubauer.cli.runs import do, tell

if TYPE_CHECKING:
    from neubauer.runs.run import Finished


def chamber(
    inputs: Inputs,
    out: Annotated[Path, typer.Option(help="Folder for the results. A stopped run goes on where it was.")],
    chamber_name: Annotated[
        str,
        typer.Option("--chamber", help="The ruling: neubauer-improved, fuchs-rosenthal, burker, thoma or malassez."),
    ] = "neubauer-improved",
    dilution: Annotated[
        float, typer.Option(help="Volume after dilution to that before; 2 for equal parts of sample and stain.")
    ] = 1.0,
    depth: Annotated[
        float | None, typer.Option(help="Depth of the chamber in micrometres, where it is not the usual one.")
    ] = None,
    trypan_blue: Annotated[
        bool, typer.Option("--trypan-blue", help="Tell dead (blue) from live cells, and give the viability.")
    ] = False,
    samples: Annotated[
        Path | None,
        typer.Option(
            help="CSV table with the columns image, sample and optionally dilution. Default: all photographs show "
            "one sample."
        ),
    ] = None,
    model: Annotated[str, typer.Option(help="Name of a bundled counter, or a file.")] = "chamber-cells",
    recursive: Recursive = False,
    workers: Workers = 1,
    overlays: Annotated[bool, typer.Option(help="Draw pictures to check the counts by.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the samples as JSON instead of a table.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace results of an earlier run.")] = False,
) -> None:
    """Count cells in photographs of counting chambers (haemocytometers).

    Finds the ruling, counts in all large squares that are wholly in view (cells on the upper and left border count,
    those on the lower and right do not), and gives cells in a millilitre with a 90 % interval that holds the error of
    the count and that of sampling. Writes samples.csv, photographs.csv, squares.csv, cells.csv, overlays/, and
    failed.csv (image, reason) if some failed, such as those without a ruling.

    Exit code 0: all are counted; 1: some, or all, failed, each is named, the others are counted; 2: nothing was done;
    130: stopped by Ctrl-C, the same command goes on.
    """
    with errors_to_exit("interrupted: what was written is complete; the same command goes on from here"):
        from neubauer.chamber.samples import read_samples
        from neubauer.runs.inputs import find_items
        from neubauer.runs.jobs.chamber import Chamber

        items = find_items(inputs, recursive=recursive, on_event=tell)
        table = {} if samples is None else read_samples(samples, dilution)
        job = Chamber(chamber_name, dilution, depth, trypan_blue, table, model, overlays)
        finished = do(job, items, out, "counting", workers=workers, overwrite=overwrite)
        if as_json:
            _print_json(finished)
        else:
            _print_table(finished, trypan_blue)
    if finished.failed:
        raise typer.Exit(SOME_FAILED)


def _rows(finished: Finished) -> list[dict[str, str]]:
    import csv

    from neubauer.runs.jobs.chamber import SAMPLES

    file = finished.out / SAMPLES
    if not file.exists():
        return []
    with open(file, encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def _print_json(finished: Finished) -> None:
    import json

    import pandas as pd

    from neubauer.runs.jobs.chamber import SAMPLES

    file = finished.out / SAMPLES
    rows = json.loads(pd.read_csv(file, dtype={"sample": str}).to_json(orient="records")) if file.exists() else []
    failed = {str(path): why for path, why in finished.failed.items()}
    print(json.dumps({"out": str(finished.out), "samples": rows, "failed": failed}))


def _print_table(finished: Finished, trypan_blue: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = _rows(finished)
    console = Console(markup=False, emoji=False)  # names are shown as they are
    shown = Table(title="cells in a millilitre [90 % interval]")
    for name in ("sample", "photographs", "squares", "cells", "per square", "cells/mL"):
        shown.add_column(name, justify="left" if name == "sample" else "right")
    if trypan_blue:
        shown.add_column("viability", justify="right")
    for row in rows:
        value, low, high = (float(f"{float(row[f'cells_per_ml{end}']):.3g}") for end in ("", "_low", "_high"))
        per_ml = f"{value:,.0f} [{low:,.0f}–{high:,.0f}]"
        cells = [row["sample"], row["photographs"], row["squares"], row["cells"], row["per_square"], per_ml]
        if trypan_blue:
            ends = [row[f"viability{end}"] for end in ("", "_low", "_high")]
            share = [f"{float(end):.0%}" if end else "" for end in ends]
            cells.append(f"{share[0]} [{share[1]}–{share[2]}]" if share[0] else "")
        shown.add_row(*cells)
    console.print(shown)
    for row in rows:
        if row["advice"]:
            console.print(f"{row['sample']}: {row['advice']}", soft_wrap=True)
    if rows:
        console.print(f"tables: {finished.out / 'samples.csv'} and beside it", soft_wrap=True)
    if (finished.out / "overlays").is_dir():
        console.print(f"overlays: {finished.out / 'overlays'}", soft_wrap=True)
    if finished.failed:
        failed = f"failed: {len(finished.failed)} of {finished.wanted} images, {finished.out / 'failed.csv'}"
        console.print(failed, soft_wrap=True)
