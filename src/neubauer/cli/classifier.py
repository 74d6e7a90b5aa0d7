"""`neubauer train classifier`, `neubauer evaluate classifier`."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neubauer.cli.common import SOME_FAILED, changes_of, errors_to_exit, new_file, say
from neubauer.cli.options import Overwrite, Threads
from neubauer.cli.runs import measuring
from neubauer.cli.trainings import diverged_to_exit, training_display, use_threads
from neubauer.errors import InputError

if TYPE_CHECKING:
    from neubauer.metrics.classification import ClassificationScores
    from neubauer.models.classifier.generated import GenerationSettings

METHODS = ("network", "cnn", "svm", "forest")
NETWORKS = METHODS[:2]
AUGMENTATIONS = ("classical", "gan")


def train_classifier(
    images: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="One sub-folder of images per class; or images, with --labels.")
    ],
    out: Annotated[Path, typer.Option(help="The classifier file to write (.safetensors).")],
    labels: Annotated[
        Path | None, typer.Option(help="CSV table: image (a file in FOLDER), class and, optionally, group.")
    ] = None,
    unlabelled: Annotated[
        Path | None, typer.Option(help="Folder of images without classes, to learn from too.")
    ] = None,
    recipe: Annotated[
        str | None, typer.Option(help="How to learn from them; an unknown name lists the recipes.")
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change that recipe, e.g. training.batch_size=40. Repeatable."),
    ] = None,
    augment: Annotated[
        str, typer.Option(help="classical, or gan: also try generated images of rare classes, and keep what helps.")
    ] = "classical",
    rare: Annotated[
        str | None, typer.Option(help="Classes to generate, comma-separated. Default: those with few images.")
    ] = None,
    generator_steps: Annotated[int | None, typer.Option(min=1, help="Of the generator. Default: its recipe's.")] = None,
    method: Annotated[str, typer.Option(help="network, cnn, svm or forest.")] = "network",
    size: Annotated[
        int | None, typer.Option(min=16, max=256, help="Side in pixels. Default: the crops', up to 64.")
    ] = None,
    diameter: Annotated[float | None, typer.Option(help="Typical cell diameter in pixels. Default: measured.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Training steps.")] = 4000,
    batch: Annotated[int, typer.Option(min=1, help="Images per step.")] = 128,
    validation: Annotated[float, typer.Option(min=0.01, max=0.9, help="Share of images kept for calibration.")] = 0.15,
    threshold: Annotated[float, typer.Option(min=0, max=1, help="Probability below which a cell is unknown.")] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, split, order and augmentation.")] = 0,
    threads: Threads = None,
    overwrite: Overwrite = False,
) -> None:
    """Train a classifier of single cells.

    With --augment gan it is said whether generated images help, in numbers, and they are used only if they do.
    """
    with errors_to_exit("interrupted: the classifier is not written"):
        for name, value, known in (("--method", method, METHODS), ("--augment", augment, AUGMENTATIONS)):
            if value not in known:
                raise InputError(name, repr(value), "one of " + ", ".join(known))
        new_file(out, overwrite)
        if unlabelled is not None and not unlabelled.is_dir():
            raise InputError(unlabelled, "no such folder", "a folder of images")

        from neubauer.models.classifier.fit import FitSettings
        from neubauer.models.estimators.cell_classifier import CellClassifier

        use_threads(threads)
        changes = changes_of(set_ or [])
        if unlabelled is not None:
            from neubauer.models.classifier.semi_supervised import DEFAULT_SEMI_SUPERVISED, semi_supervised_config

            semi_supervised_config(recipe or DEFAULT_SEMI_SUPERVISED, changes)  # wrong names are said before anything
        elif recipe is not None or set_:
            raise InputError("--recipe, --set", "no unlabelled images", "them beside --unlabelled")
        classifier = CellClassifier(
            method=method,  # type: ignore[arg-type] # one of METHODS
            size=size,
            diameter=diameter,
            threshold=threshold,
            validation=validation,
            settings=FitSettings(steps=steps, batch=batch, seed=seed),
            recipe=recipe,
            changes=changes,
        )
        began = time.monotonic()
        generated = _generation(rare, generator_steps, seed) if augment == "gan" else None
        shown = training_display(steps) if method in NETWORKS else nullcontext(_ignore)
        with diverged_to_exit(), shown as report:
            classifier.fit(images, labels, unlabelled, generated=generated, report=report)
        classifier.save(out)
        config = classifier.config
        counts = config.training["images_per_class"]
        assert isinstance(counts, list)
        say(f"trained in {(time.monotonic() - began) / 60:.1f} min on {config.training['images']} images")
        say("classes: " + ", ".join(f"{name} {n}" for name, n in zip(config.classes, counts, strict=True)))
        accuracy = config.training["validation_accuracy"]
        say(f"accuracy on {config.training['validation_images']} validation images: {accuracy}")
        if generated is not None:
            comparison = config.training["generated"]
            assert isinstance(comparison, dict)
            say(str(comparison["text"]))
        print(out)


def _ignore(step: int, losses: dict[str, float]) -> None:
    pass


def _generation(rare: str | None, steps: int | None, seed: int) -> GenerationSettings:
    from neubauer.models.classifier.generated import GenerationSettings

    names = tuple(name.strip() for name in rare.split(",")) if rare else ()
    return replace(GenerationSettings(), rare=names, steps=steps, seed=seed)


def evaluate_classifier(
    images: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="One sub-folder of images per class; or images, with --labels.")
    ],
    model: Annotated[str, typer.Option(help="Name of a bundled classifier, or a file.")],
    labels: Annotated[Path | None, typer.Option(help="CSV table: image (a file in FOLDER) and class.")] = None,
    diameter: Annotated[float | None, typer.Option(help="Typical cell diameter in pixels.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for scores.json and the confusion matrix as a picture.")
    ] = None,
    threads: Threads = None,
    overwrite: Annotated[bool, typer.Option(help="Replace files that are there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Accuracy, area under the curve, calibration, and precision and recall of every class."""
    with errors_to_exit():
        if out is not None:
            new_file(out / "scores.json", overwrite)
            new_file(out / "confusion.png", overwrite)

        from neubauer.images.write import atomic_path
        from neubauer.models.classifier.pictures import draw_confusion
        from neubauer.runs.jobs.evaluate import evaluate_classifier_files

        use_threads(threads)
        with measuring() as (executor, heard):
            scores, failed = evaluate_classifier_files(
                model, images, labels, diameter=diameter, executor=executor, on_event=heard
            )
        text = json.dumps(scores.as_dict(), indent=2)
        if out is not None:
            with atomic_path(out / "scores.json") as temporary:
                temporary.write_text(text + "\n", encoding="utf-8")
            draw_confusion(scores, out / "confusion.png")
        print(text) if as_json else _table(scores)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _table(scores: ClassificationScores) -> None:
    import math

    from rich.console import Console
    from rich.table import Table

    def shown(value: Any) -> str:
        return "" if isinstance(value, float) and math.isnan(value) else f"{value:.4g}"

    console = Console()
    table = Table("", "value", title=f"{scores.n} images")
    for name in ("accuracy", "balanced_accuracy", "auc", "calibration_error", "known", "accuracy_known"):
        table.add_row(name, shown(getattr(scores, name)))
    console.print(table)
    classes = Table("class", "images", "precision", "recall", "f1")
    for name, row in scores.per_class.items():
        classes.add_row(name, *(shown(row[key]) for key in ("n", "precision", "recall", "f1")))
    console.print(classes)
    wrong = scores.confusion.copy()
    wrong[range(len(wrong)), range(len(wrong))] = 0
    most = sorted(zip(*wrong.nonzero(), strict=True), key=lambda at: -wrong[at])[:3]
    for i, j in most:
        console.print(f"{wrong[i, j]} images of {scores.classes[i]} are taken for {scores.classes[j]}")
