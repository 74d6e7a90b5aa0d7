"""`neubauer train counter`: images in, with annotations or without; a counter file out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neubauer.cli.common import errors_to_exit, new_file, say
from neubauer.cli.options import (
    Boxes,
    Channel,
    Frame,
    Masks,
    Overwrite,
    Points,
    ProjectName,
    StainName,
    Threads,
    reading_of,
)
from neubauer.cli.trainings import training_display, use_threads
from neubauer.errors import InputError

if TYPE_CHECKING:
    from neubauer.cells.annotation import Kind

train = typer.Typer(no_args_is_help=True, help="Train a model on your own images.")


@train.command("counter")
def counter(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES...", help="Image files, folders or globs.")],
    out: Annotated[Path, typer.Option(help="The counter file to write (.safetensors).")],
    masks: Masks = None,
    boxes: Boxes = None,
    points: Points = None,
    classes: Annotated[
        str | None,
        typer.Option(help="Class names in order, comma-separated; without annotations with diameters: RBC=24,WBC=43."),
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(help="Typical cell diameter in pixels; for points, and without annotations.")
    ] = None,
    background: Annotated[
        str | None, typer.Option(help="Without annotations: bright or dark; default: seen in the images.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="Without annotations: what to expect; an unknown name lists the recipes.")
    ] = None,
    use_rest: Annotated[
        bool, typer.Option("--use-rest", help="With a few annotations: learn from the other images too.")
    ] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, e.g. painter.steps=600. Repeatable."),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Training steps. Default: 3000, or the recipe's.")] = None,
    batch: Annotated[int, typer.Option(min=1, help="Crops per step.")] = 8,
    crop: Annotated[
        int | None,
        typer.Option(min=32, help="Side of the crops, pixels at the scale of the model. Default: 256 or so."),
    ] = None,
    vary_stains: Annotated[
        float,
        typer.Option(
            min=0, max=1, help="Share of RGB crops whose stains are varied; 0.5 where staining differs between slides."
        ),
    ] = 0.0,
    validation: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of images kept for calibration.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Of weights, split, crops and augmentation.")] = 0,
    project: ProjectName = None,
    frame: Frame = None,
    channel: Channel = None,
    stain: StainName = None,
    threads: Threads = None,
    start: Annotated[
        str | None,
        typer.Option(help="Begin from this counter (file, or name of a bundled one): needs fewer annotations."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a training from annotations that was stopped, exactly where it was."),
    ] = False,
    overwrite: Overwrite = False,
) -> None:
    """Train a counter from masks, boxes, points, or a mix of them; or from images alone.

    Without annotations --diameter is needed. A picture beside the counter file then shows six images, what was found in
    them, and that painted again; it is brought up to date during the training.
    """
    checkpoint = out.with_suffix(".checkpoint")
    with errors_to_exit(f"interrupted: the counter is not written; --resume goes on where {checkpoint} is there"):
        sources: dict[Kind, str | Path] = {}
        for kind, path in (("masks", masks), ("boxes", boxes), ("points", points)):
            if path is not None:
                sources[kind] = path  # type: ignore[index]
        alone = not sources or use_rest
        if alone and vary_stains:
            raise InputError("--vary-stains", f"{vary_stains:g}", "annotations of all images")
        only_alone = {"--background": background, "--recipe": recipe, "--set": set_}
        if not alone and any(only_alone.values()):
            given = ", ".join(name for name, value in only_alone.items() if value)
            raise InputError(given, "annotations", "no annotations, or --use-rest to learn from the other images too")
        reading = reading_of(project, frame, channel, stain)
        new_file(out, overwrite)
        if crop is not None and crop % 16:
            raise InputError("--crop", str(crop), "a multiple of 16")

        from neubauer.models.counter.augment import Augmentation
        from neubauer.models.counter.fit import FitSettings
        from neubauer.models.estimators.cell_counter import CellCounter

        use_threads(threads)
        names = None if classes is None else [name.strip() for name in classes.split(",")]
        began = time.monotonic()
        augmentation = Augmentation(stains=vary_stains)
        settings = FitSettings(steps or 3000, batch, crop or 256, seed=seed, augmentation=augmentation)
        model = CellCounter(diameter=diameter, settings=settings, validation=validation, start=start)
        if alone:
            from neubauer.cli.labelfree import config_of_options, say_trust

            sizes = None if sources else classes
            config = config_of_options(recipe, set_, background, sizes, diameter, steps, batch, crop)
            with training_display(config.total_steps) as report:
                model.fit(
                    images,
                    sources or None,
                    classes=names if sources else None,
                    labelfree=config,
                    report=report,
                    preview=_preview(out),
                    reading=reading,
                )
            say_trust(model, _preview(out))
            if model.painter_ is not None:
                say(f"the painter: {model.painter_.save(out.with_suffix('.painter.safetensors'))}")
        else:
            with training_display(settings.steps) as report:
                model.fit(
                    images,
                    sources,
                    classes=names,
                    report=report,
                    checkpoint=checkpoint,
                    resume=resume,
                    reading=reading,
                )
        model.save(out)
        config_ = model.config
        say(f"trained in {(time.monotonic() - began) / 60:.1f} min on {config_.training['images']} images")
        say(f"typical diameter {config_.diameter:.1f} px; classes {', '.join(config_.classes)}")
        if config_.training.get("calibrated_on") != "simulated images":
            for name, value in config_.calibration.scores.items():
                say(f"on {config_.calibration.images} validation images: {name} {value:g}")
        print(out)


def _preview(out: Path) -> Path:
    return out.with_suffix(".png")
