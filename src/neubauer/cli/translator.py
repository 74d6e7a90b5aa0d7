"""`neubauer train translator`, `neubauer translate`, `neubauer evaluate translator`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neubauer.cli.common import SOME_FAILED, changes_of, errors_to_exit, new_file, say
from neubauer.cli.options import Changes, Inputs, Json, Overwrite, RecipeSteps, Recursive, Threads, Workers
from neubauer.cli.runs import do, measuring, tell
from neubauer.cli.trainings import diverged_to_exit, exit_if_interrupted, use_threads
from neubauer.errors import InputError

if TYPE_CHECKING:
    from neubauer.runs.jobs.translate import Translate
    from neubauer.runs.run import Finished


def train_translator(
    a: Annotated[Path, typer.Argument(metavar="A", help="Images of the kind to translate from.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Images of the kind to translate to.")],
    out: Annotated[Path, typer.Option(help="The translator file to write (.safetensors).")],
    recipe: Annotated[
        str, typer.Option(help="cut, cyclegan (unpaired), pix2pix (same names), reinhard, macenko (colours only).")
    ] = "cut",
    gate: Annotated[
        str | None,
        typer.Option(help="A counter (file or name): stop before the translation loses or invents cells."),
    ] = None,
    gate_after: Annotated[
        str | None, typer.Option(help="Another counter for the translations, if the first cannot read them.")
    ] = None,
    steps: RecipeSteps = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, crops and augmentation.")] = 0,
    set_: Changes = None,
    threads: Threads = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a training that was stopped.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Learn to carry images from one stain or microscope to another.

    The run folder (metrics, pictures, checkpoint) is beside the file, with `.run` for its suffix. Exit code 0: trained;
    1: training diverged; 130: stopped.
    """
    run = out.with_suffix(".run")
    with errors_to_exit("interrupted"):
        new_file(out, overwrite or resume)
        from neubauer.models.estimators.style_translator import StyleTranslator
        from neubauer.runs.jobs.translate import load_gate

        use_threads(threads)
        translator = StyleTranslator(recipe, changes_of(set_ or []))
        with diverged_to_exit():
            checks = load_gate(gate, gate_after)
            if checks is None:
                translator.fit(a, b, steps=steps, seed=seed, out=run, resume=resume, progress=True)
            else:
                if resume:
                    raise InputError("--resume", "it beside --gate", "one of them")
                from neubauer.models.estimators.style_translator import fit_by_gate

                history = fit_by_gate(translator, a, b, checks, steps=steps, seed=seed, out=run, progress=True)
                for row in history:
                    mark = " (kept)" if row["kept"] else ""
                    say(
                        f"after {row['steps']:.0f} steps {100 * row['drift']:.1f} % of the cells lost or invented{mark}"
                    )
        exit_if_interrupted(translator.report)
        translator.save(out)
        print(out)


def translate(
    inputs: Inputs,
    model: Annotated[Path, typer.Option(help="A translator file.")],
    out: Annotated[Path, typer.Option(help="Folder for the translated images.")],
    way: Annotated[str, typer.Option(help="a2b, or b2a where the translator knows the way back.")] = "a2b",
    gate: Annotated[
        str | None, typer.Option(help="A counter (file or name): cells before and after, kept, lost and invented.")
    ] = None,
    gate_after: Annotated[str | None, typer.Option(help="Another counter for the translations.")] = None,
    recursive: Recursive = False,
    workers: Workers = 1,
    overwrite: Annotated[bool, typer.Option(help="Replace images that are there.")] = False,
    as_json: Json = False,
) -> None:
    """Translate images of any size; with --gate, write what it does to the cells to cells.csv and flag what drifts.

    Exit code 0: all done; 1: some images failed, each is named, the others are done.
    """
    with errors_to_exit("interrupted: what was written is complete; the same command goes on from here"):
        from neubauer.runs.inputs import find_items
        from neubauer.runs.jobs.translate import Translate

        items = find_items(inputs, recursive=recursive, on_event=tell)
        job = Translate(model, way, gate, gate_after)
        finished = do(job, items, out, "translating", workers=workers, overwrite=overwrite)
        names = [item.name for item in items if item.name in finished.rows]
        _print(job, finished, names, as_json)
    if finished.failed:
        raise typer.Exit(SOME_FAILED)


def evaluate_translator(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="A translator file.")],
    images: Annotated[Path, typer.Argument(metavar="IMAGES", help="Images to translate, not trained on.")],
    gate: Annotated[str, typer.Option(help="A counter (file or name) that checks what happens to the cells.")],
    gate_after: Annotated[str | None, typer.Option(help="Another counter for the translations.")] = None,
    way: Annotated[str, typer.Option(help="a2b, or b2a where the translator knows the way back.")] = "a2b",
    target: Annotated[
        Path | None, typer.Option(help="Real images of the other kind, to measure the distance of the translations.")
    ] = None,
    as_json: Json = False,
) -> None:
    """What a translator does to the cells, and how near its images come to those of the other kind."""
    with errors_to_exit():
        from neubauer.runs.inputs import find_items
        from neubauer.runs.jobs.evaluate import evaluate_translator_files

        items = find_items(images, on_event=tell)
        with measuring() as (executor, heard):
            scores, drifts, failed = evaluate_translator_files(
                model, items, gate, gate_after, way=way, target=target, executor=executor, on_event=heard
            )
        if as_json:
            print(json.dumps(scores | {"images": [d.row() for d in drifts], "failed": failed}))
        else:
            for name, value in scores.items():
                print(f"{name}: {value:.4g}")
            for drift in drifts:
                if drift.flag:
                    print(f"{drift.image}: {drift.flag}")
    if failed:
        raise typer.Exit(SOME_FAILED)


def _print(job: Translate, finished: Finished, names: list[str], as_json: bool) -> None:
    out, rows = finished.out, [finished.rows[name] for name in names]
    failed = {str(path): why for path, why in finished.failed.items()}
    drifts = [] if job.checks is None else rows
    if as_json:
        print(json.dumps({"images": [str(out / f"{n}.tif") for n in names], "cells": drifts, "failed": failed}))
        return
    for row in drifts:
        if row["flag"]:
            say(f"{row['image']}: {row['flag']}")
    if drifts:
        before, kept, invented = (sum(row[key] for row in drifts) for key in ("before", "kept", "invented"))
        say(f"{kept} of {before} cells kept, {invented} invented: {out / 'cells.csv'}")
    say(f"{len(names)} images translated" + (f", {len(failed)} failed" if failed else ""))
    print(out)
