"""`neubauer train inpainter`, `neubauer inpaint`, `neubauer evaluate inpainter`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from neubauer.cli.common import SOME_FAILED, changes_of, errors_to_exit, new_file
from neubauer.cli.options import Changes, Inputs, Json, Overwrite, RecipeSteps, Recursive, Threads, Workers
from neubauer.cli.runs import do, measuring, tell
from neubauer.cli.trainings import diverged_to_exit, exit_if_interrupted, use_threads


def train_inpainter(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES...", help="Undamaged images: files, folders, globs.")],
    out: Annotated[Path, typer.Option(help="The inpainter file to write (.safetensors).")],
    steps: RecipeSteps = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, crops and holes.")] = 0,
    set_: Changes = None,
    threads: Threads = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Learn what images look like, to fill in damaged regions.

    The run folder (metrics, pictures, checkpoint) is beside the file, with `.run` for its suffix. Exit code 0: trained;
    1: training diverged; 130: stopped.
    """
    with errors_to_exit("interrupted"):
        new_file(out, overwrite or resume)
        from neubauer.images.find import find_images
        from neubauer.models.estimators.inpainter import Inpainter

        use_threads(threads)
        inpainter = Inpainter(changes_of(set_ or []))
        with diverged_to_exit():
            inpainter.fit(
                find_images(images), steps=steps, seed=seed, out=out.with_suffix(".run"), resume=resume, progress=True
            )
        exit_if_interrupted(inpainter.report)
        inpainter.save(out)
        print(out)


def inpaint(
    inputs: Inputs,
    out: Annotated[Path, typer.Option(help="Folder for the repaired images.")],
    holes: Annotated[
        str, typer.Option(help="Folder of masks (NAME.png, NAME_holes.png ...; not 0: hole), or auto: find them.")
    ] = "auto",
    model: Annotated[Path | None, typer.Option(help="An inpainter file.")] = None,
    method: Annotated[str | None, typer.Option(help="Instead of a model: biharmonic or texture.")] = None,
    samples: Annotated[int, typer.Option(min=1, max=8, help="Completions that are averaged, and say how sure.")] = 4,
    seed: Annotated[int, typer.Option(min=0, help="Of the choice of patches, for texture.")] = 0,
    recursive: Recursive = False,
    workers: Workers = 1,
    overwrite: Annotated[bool, typer.Option(help="Replace images that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Fill in damaged regions; everything else comes back bit for bit.

    Writes NAME.tif, NAME_holes.png (what was filled in), NAME_found.png (the same, to look at) and, with a model,
    NAME_uncertainty.tif. Exit code 0: all done; 1: some images failed, each is named, the others are done.
    """
    with errors_to_exit("interrupted: what was written is complete; the same command goes on from here"):
        from neubauer.runs.inputs import find_items
        from neubauer.runs.jobs.inpaint import Inpaint

        job = Inpaint(model, method, holes, samples, seed)
        items = find_items(inputs, recursive=recursive, on_event=tell)
        finished = do(job, items, out, "inpainting", workers=workers, overwrite=overwrite, said_of=_said_of)
        if as_json:
            rows = [finished.rows[item.name] for item in items if item.name in finished.rows]
            done = [row | {"file": str(out / f"{row['image']}.tif")} for row in rows]
            print(json.dumps({"images": done, "failed": {str(p): why for p, why in finished.failed.items()}}))
        else:
            print(out)
    if finished.failed:
        raise typer.Exit(SOME_FAILED)


def _said_of(row: dict[str, Any]) -> str:
    share = row["filled"]
    return f"{row['image']}: " + (f"{100 * share:.2g} % filled in" if share else "no holes; unchanged")


def evaluate_inpainter(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="An inpainter file.")],
    images: Annotated[list[str], typer.Argument(metavar="IMAGES...", help="Undamaged images, not trained on.")],
    share: Annotated[float, typer.Option(min=0.001, max=0.9, help="Of the area that is cut out.")] = 0.2,
    seed: Annotated[int, typer.Option(min=0, help="Of the holes.")] = 0,
    as_json: Json = False,
) -> None:
    """Cut holes, fill them in, compare with the truth; biharmonic and texture filling beside it."""
    with errors_to_exit():
        from neubauer.runs.inputs import find_items
        from neubauer.runs.jobs.evaluate import evaluate_inpainter_files

        items = find_items(images, on_event=tell)
        with measuring() as (executor, heard):
            scores, failed = evaluate_inpainter_files(
                model, items, share=share, seed=seed, executor=executor, on_event=heard
            )
        if as_json:
            print(json.dumps(scores))
        else:
            _table(scores, share)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _table(scores: dict[str, dict[str, float]], share: float) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("", "PSNR, dB", "SSIM", "kernel distance", title=f"{100 * share:g} % cut out")
    for name, found in scores.items():
        table.add_row(name, *(f"{found[k]:.4g}" for k in ("psnr", "ssim", "kernel_distance")))
    Console().print(table)
