"""`neubauer train counter`: annotated images in, a counter file out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neubauer.cli.common import errors_to_exit, new_file, say
from neubauer.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

train = typer.Typer(no_args_is_help=True, help="Train a model on your own images.")


@train.command("counter")
def counter(
    images: Annotated[list[str], typer.Argument(metavar="IMAGES...", help="Image files, folders or globs.")],
    out: Annotated[Path, typer.Option(help="The counter file to write (.safetensors).")],
    masks: Annotated[Path | None, typer.Option(help="Folder of instance label images.")] = None,
    boxes: Annotated[Path | None, typer.Option(help="Folder of VOC XML or YOLO txt, or a COCO JSON file.")] = None,
    points: Annotated[Path | None, typer.Option(help="Folder of CSV tables or dot images.")] = None,
    classes: Annotated[str | None, typer.Option(help="Class names in order, comma-separated.")] = None,
    diameter: Annotated[
        float | None, typer.Option(help="Typical cell diameter in pixels; for points, where it cannot be measured.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 3000,
    batch: Annotated[int, typer.Option(min=1, help="Crops per step.")] = 8,
    crop: Annotated[int, typer.Option(min=32, help="Side of the crops, pixels at the scale of the model.")] = 256,
    validation: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of images kept for calibration.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Of weights, split, crops and augmentation.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; default: all.")] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a file that is there.")] = False,
) -> None:
    """Train a counter from masks, boxes, points, or a mix of them."""
    with errors_to_exit("interrupted: the counter is not written"):
        sources: dict[str, Path] = {
            kind: path for kind, path in (("masks", masks), ("boxes", boxes), ("points", points)) if path is not None
        }
        if not sources:
            raise InputError("annotations", "none", "at least one of --masks, --boxes and --points")
        new_file(out, overwrite)
        if crop % 16:
            raise InputError("--crop", str(crop), "a multiple of 16")
        import torch

        from neubauer.models.counter import CellCounter
        from neubauer.models.counter_fit import FitSettings

        if threads:
            torch.set_num_threads(threads)
        names = None if classes is None else [name.strip() for name in classes.split(",")]
        settings = FitSettings(steps=steps, batch=batch, crop=crop, seed=seed)
        model = CellCounter(diameter=diameter, settings=settings, validation=validation)
        start = time.monotonic()
        with _progress(steps) as report:
            model.fit(images, sources, classes=names, report=report)  # type: ignore[arg-type]
        model.save(out)
        config = model.config
        say(f"trained in {(time.monotonic() - start) / 60:.1f} min on {config.training['images']} images")
        say(f"typical diameter {config.diameter:.1f} px; classes {', '.join(config.classes)}")
        for name, value in config.calibration.scores.items():
            say(f"on {config.calibration.images} validation images: {name} {value:g}")
        print(out)


class _progress:
    """A progress bar with the losses; `report(step, losses)` moves it."""

    def __init__(self, steps: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self.bar = Progress(
            TextColumn("training"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} steps, loss {task.fields[loss]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.task = self.bar.add_task("", total=steps, loss="-")

    def __enter__(self) -> Callable[[int, dict[str, float]], None]:
        self.bar.start()
        return self.report

    def report(self, step: int, losses: dict[str, float]) -> None:
        self.bar.update(self.task, completed=step, loss=f"{sum(losses.values()):.3f}")

    def __exit__(self, *_error: Any) -> None:
        self.bar.stop()
