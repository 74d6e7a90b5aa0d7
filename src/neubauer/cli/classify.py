"""`neubauer classify`: images of single cells in; a table and contact sheets out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neubauer.cli.common import SOME_FAILED, errors_to_exit
from neubauer.cli.options import Threads, Workers
from neubauer.cli.runs import do, tell
from neubauer.cli.trainings import use_threads
from neubauer.errors import InputError

if TYPE_CHECKING:
    from neubauer.runs.run import Finished


def classify(
    inputs: Annotated[
        list[str],
        typer.Argument(
            metavar="INPUT...", help="Images of single cells: files, folders (with theirs), globs, CSV tables."
        ),
    ],
    model: Annotated[str, typer.Option(help="Name of a bundled classifier, or a file.")],
    out: Annotated[Path, typer.Option(help="Folder for the results. A stopped run goes on where it was.")],
    diameter: Annotated[
        float | None, typer.Option(help="Typical cell diameter in pixels. Default: images show as much as in training.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Probability below which a cell is unknown. Default: the model's."),
    ] = None,
    adapt_from: Annotated[
        Path | None,
        typer.Option(help="A translator file: carry the images to the kind that the model knows first."),
    ] = None,
    sheets: Annotated[bool, typer.Option(help="Write a contact sheet per class, surest first.")] = True,
    saliency: Annotated[
        bool, typer.Option("--saliency", help="Also show for each image which parts its class rests on.")
    ] = False,
    threads: Threads = None,
    workers: Workers = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print the classes as JSON instead of a table.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace results of an earlier run.")] = False,
) -> None:
    """Say what kind of cell each image shows.

    Writes classes.csv (a row per image: class, probability, and the probability of every class) and sheets/. Exit code
    0: all done; 1: some images could not be used, each is named, the others are done; 2: nothing was done.
    """
    with errors_to_exit("interrupted: what was written is complete; the same command goes on from here"):
        from neubauer.runs.inputs import find_items
        from neubauer.runs.jobs.classify import Classify

        use_threads(threads)
        items = find_items(inputs, recursive=True, on_event=tell)
        job = Classify(model, diameter, threshold, adapt_from, sheets, saliency)
        finished = do(job, items, out, "classifying", workers=workers, overwrite=overwrite)
        if not finished.rows:
            found = f"{len(items)} images of which none can be used"
            raise InputError(items[0].path.parent, found, "images of single cells")
        _print(finished, job.classifier.config.classes, as_json)
    if finished.failed:
        raise typer.Exit(SOME_FAILED)


def _print(finished: Finished, classes: Sequence[str], as_json: bool) -> None:
    import pandas as pd

    out, failed = finished.out, finished.failed
    table = pd.DataFrame(list(finished.rows.values()))
    counts = table["class"].value_counts()
    if as_json:
        rows = json.loads(table.drop(columns="file").to_json(orient="records"))
        print(json.dumps({"out": str(out), "images": rows, "failed": {str(p): why for p, why in failed.items()}}))
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table("class", "images", "mean probability", title=f"{len(table)} images")
    for name in (*classes, "unknown"):
        mean = table["probability"][table["class"] == name].mean()
        shown.add_row(name, str(counts.get(name, 0)), f"{mean:.3f}" if name in counts else "")
    console = Console()
    console.print(shown)
    console.print(f"table: {out / 'classes.csv'}", soft_wrap=True)
    for folder in ("sheets", "saliency"):
        if (out / folder).is_dir():
            console.print(f"{folder}: {out / folder}", soft_wrap=True)
    if failed:
        console.print(f"failed: {len(failed)} of {len(table) + len(failed)} images")
