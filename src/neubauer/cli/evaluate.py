"""`neubauer evaluate counter`: how good is a counter on annotated images?"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Annotated

import typer

from neubauer.cli.common import SOME_FAILED, errors_to_exit, new_file
from neubauer.cli.options import (
    Boxes,
    Channel,
    Frame,
    Masks,
    Overwrite,
    Points,
    ProjectName,
    Recursive,
    StainName,
    Workers,
    reading_of,
)
from neubauer.cli.runs import measuring
from neubauer.errors import InputError

evaluate = typer.Typer(no_args_is_help=True, help="Measure how good a model is.")


@evaluate.command("counter")
def counter(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES...", help="Image files, folders or globs.")],
    model: Annotated[str, typer.Option(help="Name of a bundled model, or a file.")],
    masks: Masks = None,
    boxes: Boxes = None,
    points: Points = None,
    diameter: Annotated[float | None, typer.Option(help="Typical cell diameter; default: estimated.")] = None,
    project: ProjectName = None,
    frame: Frame = None,
    channel: Channel = None,
    stain: StainName = None,
    recursive: Recursive = False,
    workers: Workers = 1,
    out: Annotated[Path | None, typer.Option(help="Also write the scores to this JSON file.")] = None,
    overwrite: Overwrite = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Count error and bias, F1 and AP, per class, and how often the intervals hold the truth.

    Cells are matched by IoU (masks, boxes) and by centres. Exit code 0: done; 1: some files could not be used; 2: none.
    """
    with errors_to_exit():
        given = [(k, p) for k, p in (("masks", masks), ("boxes", boxes), ("points", points)) if p is not None]
        if len(given) != 1:
            raise InputError("annotations", f"{len(given)} kinds", "exactly one of --masks, --boxes and --points")
        reading = reading_of(project, frame, channel, stain)
        if out is not None:
            new_file(out, overwrite)
        from neubauer.images.write import atomic_path
        from neubauer.runs.inputs import find_items
        from neubauer.runs.jobs.evaluate import evaluate_counter_files

        kind, where = given[0]
        items = find_items(images, recursive=recursive, leave_annotations=True)
        with measuring(workers) as (executor, heard):
            scores, failed = evaluate_counter_files(
                model,
                items,
                {kind: where},  # type: ignore[dict-item] # one of the kinds
                diameter=diameter,
                reading=reading,
                executor=executor,
                on_event=heard,
            )
        # a score that is not defined (recall without cells ...) is null: JSON has no NaN
        known = {g: {k: v if math.isfinite(v) else None for k, v in s.items()} for g, s in scores.items()}
        text = json.dumps(known | {"failed": failed}, indent=2)
        if out is not None:
            with atomic_path(out) as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
        print(text) if as_json else _table(scores)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _table(scores: dict[str, dict[str, float]]) -> None:
    from rich.console import Console
    from rich.table import Table

    groups = list(scores)
    shown = Table(title="scores")
    shown.add_column("")
    for group in groups:
        shown.add_column(group, justify="right")
    for name in dict.fromkeys(name for group in scores.values() for name in group):
        values = [scores[g].get(name) for g in groups]
        shown.add_row(name, *("" if v is None or not math.isfinite(v) else f"{v:.4g}" for v in values))
    Console().print(shown)
