"""From Python, a notebook for instance: count what lies in a folder."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neubauer.cells.write.tables import read_counts
from neubauer.images.stack import Project
from neubauer.images.stain import Stain
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.shared.inputs import Reading
from neubauer.progress import Display, Progress
from neubauer.runs.events import Event, Failed, Note
from neubauer.runs.executors import InProcess, LocalProcesses
from neubauer.runs.inputs import find_items
from neubauer.runs.job import Job
from neubauer.runs.jobs.count import COUNTS, Count, choose_model
from neubauer.runs.regions import choose_regions
from neubauer.runs.run import run

if TYPE_CHECKING:
    import pandas as pd


def count_folder(
    images: str | Path | Sequence[str | Path],
    model: str | Path | TrainedCounter | None = None,
    out: str | Path | None = None,
    *,
    recursive: bool = False,
    workers: int = 1,
    overwrite: bool = False,
    project: Project | None = None,
    frame: int | None = None,
    channel: int | str | None = None,
    stain: Stain | None = None,
    regions: str | Path | None = None,
    **options: Any,
) -> pd.DataFrame:
    """Count the cells of many images, as `neubauer count` does; what was stopped goes on with the same call.

    Parameters
    ----------
    images : a folder, files, globs, or a CSV table with a column `image`.
    model : a counter, its file, or the name of a bundled one; by default the bundled one that has learnt images like
        these, and a warning says which that is.
    out : folder for tables, label images and overlays; by default only the table is made.
    recursive : take the images in sub-folders, too.
    workers : processes on this machine.
    overwrite : remove the results of an earlier run first.
    project, frame, channel, stain : what to take of files that hold several, see `CellCounter.predict`.
    regions : where to count: a file or folder of regions, or `"tissue"`, see `neubauer.runs.regions.choose_regions`;
        `regions.csv` in `out` then has a row for each.
    options : see `neubauer.runs.jobs.count.Count`: `diameter`, `formats`, `classifier`, `filters` ...

    Returns
    -------
    One row per image, as in counts.csv: counts with their intervals per class and in total, flag, diameter. Files that
    cannot be counted are missing; a warning names each.

    Raises
    ------
    InputError : no image, no such model, or the folder holds the results of another run.
    OutputError : the folder cannot be written to.
    """
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            taken = {"project": project, "frame": frame, "channel": channel, "stain": stain}
            all_options: dict[str, Any] = {"formats": (), "report": False} | taken | options
            return count_folder(
                images, model, folder, recursive=recursive, workers=workers, regions=regions, **all_options
            )
    reading = Reading(project, frame, channel, stain)
    items = find_items(images, recursive=recursive, leave_annotations=True, on_event=_warn)
    chosen = choose_regions(regions, items, _warn)
    job: Job = Count(model or choose_model(items, reading, _warn), reading=reading, regions=chosen, **options)
    executor = InProcess() if workers == 1 else LocalProcesses(workers)
    with Display("counting", "images", len(items)) as display:

        def show(event: Event) -> None:
            if isinstance(event, Progress):
                display.show(event)
            else:
                _warn(event)

        run(job, items, out, overwrite=overwrite, executor=executor, on_event=show)
    return read_counts(Path(out) / COUNTS)


def _warn(event: Event) -> None:
    if isinstance(event, Failed):
        warnings.warn(f"not counted: {event.reason}", stacklevel=4)
    elif isinstance(event, Note):
        warnings.warn(event.text, stacklevel=4)
