"""`neubauer train generator`, `neubauer generate`, `neubauer evaluate generator`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from neubauer.cli.common import changes_of, errors_to_exit, say
from neubauer.cli.options import Changes, Devices, Json, RecipeName, RecipeSteps, Resume, Threads
from neubauer.cli.trainings import diverged_to_exit, exit_if_interrupted, use_threads
from neubauer.progress import Display


def train_generator(
    images: Annotated[
        Path,
        typer.Argument(metavar="FOLDER", help="Images of one size; one sub-folder per class, if there are classes."),
    ],
    out: Annotated[Path, typer.Option(help="Run folder; it ends with model.safetensors.")],
    recipe: RecipeName = None,
    steps: RecipeSteps = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order, latents and augmentation.")] = 0,
    set_: Changes = None,
    devices: Devices = 1,
    threads: Threads = None,
    resume: Resume = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train a generator of images.

    Ctrl-C stops after the step at hand and keeps a checkpoint. Exit code 0: trained; 1: training diverged; 130:
    stopped.
    """
    with errors_to_exit():
        import logging

        from neubauer.models.estimators.image_generator import ImageGenerator
        from neubauer.recipes import DEFAULT_GENERATOR

        _show_log(logging.getLogger("neubauer.gan"))
        use_threads(threads)
        changes = changes_of([*(set_ or []), f"training.devices={devices}"])
        generator = ImageGenerator(recipe or DEFAULT_GENERATOR, changes)
        with diverged_to_exit():
            generator.fit(images, steps=steps, seed=seed, out=out, resume=resume, progress=True)
        report = generator.report
        assert report is not None
        if as_json:
            print((out / "report.json").read_text())
        else:
            speed = f"{report.items_per_second:.0f} images/s"
            say(f"{report.reason} at step {report.step} after {report.seconds / 60:.1f} min, {speed}")
            _table({name.removeprefix("monitor/"): value for name, value in report.metrics.items()}, "last inspection")
            for alarm in report.alarms[-3:]:
                say(f"alarm: {alarm}")
            print(out / "model.safetensors")
        exit_if_interrupted(report)


def generate(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL", help="A generator of images or sequences; for --layouts a counter, or a preset."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for the images, new or empty; for sequences the file to write.")],
    n: Annotated[int, typer.Option("-n", "--number", min=1, help="How many.")] = 16,
    layouts: Annotated[
        int | None, typer.Option(min=1, help="So many images with their masks, boxes, points and classes.")
    ] = None,
    like: Annotated[
        Path | None, typer.Option(help="With --layouts: a folder of images that the new ones are to look like.")
    ] = None,
    diameter: Annotated[
        float | None, typer.Option(help="With --like: typical cell diameter in those images, pixels.")
    ] = None,
    class_name: Annotated[str | None, typer.Option("--class", help="Of this class; default: all in turn.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same samples.")] = 0,
    truncation: Annotated[float | None, typer.Option(help="Below 2: more typical, less diverse images.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the files as JSON.")] = False,
) -> None:
    """Make images, labelled images or sequences with a trained model.

    Images come in the bit depth of the training images, with a grid picture of them all.
    """
    with errors_to_exit():
        if layouts is not None:
            from neubauer.cli.synthetic import generate_labelled

            generate_labelled(model, out, layouts, seed, as_json, like=like, diameter=diameter)
            return
        from neubauer.nets.store import read_header

        if read_header(model)["kind"] == "sequence-generator":
            from neubauer.cli.sequences import generate_sequences

            generate_sequences(model, out, n, class_name, seed, as_json)
            return
        _generate_images(model, out, n, class_name, seed, truncation, as_json)


def _generate_images(
    model: str, out: Path, n: int, class_name: str | None, seed: int, truncation: float | None, as_json: bool
) -> None:
    from neubauer.models.generator.sample import TrainedGenerator
    from neubauer.models.generator.write import write_samples

    files = write_samples(TrainedGenerator.load(model), out, n, class_name, seed=seed, truncation=truncation)
    if as_json:
        print(json.dumps({"images": [str(file) for file in files], "grid": str(out / "grid.png")}))
    else:
        say(f"{len(files)} images; all on one picture:")
        print(out / "grid.png")


def evaluate_generator(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A generator file (.safetensors).")],
    images: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER", help="Real images, best ones that were not trained on; sub-folders are classes."
        ),
    ],
    n: Annotated[
        int, typer.Option("-n", "--number", min=20, help="Generated images; at most as many real ones are used.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Of samples and encoder.")] = 0,
    encoder: Annotated[
        str, typer.Option(help="auto, classifier (needs classes) or random: what images are compared by.")
    ] = "auto",
    as_json: Json = False,
) -> None:
    """Fréchet and kernel distance, precision, recall, density and coverage of a generator, with 95 % intervals."""
    with errors_to_exit():
        from neubauer.gan.data.images import images_from_folder
        from neubauer.models.estimators.image_generator import ImageGenerator
        from neubauer.models.generator.evaluate import evaluate_samples

        generator = ImageGenerator.load(model)
        with Display("measuring", "samples", 0):
            scores = evaluate_samples(generator, images_from_folder(images), n=n, seed=seed, encoder=encoder)
        if as_json:
            print(json.dumps(scores))
            return
        from rich.console import Console
        from rich.table import Table

        table = Table(
            "",
            "value",
            "95 % interval",
            title=f"{scores['n_fake']} samples against {scores['n_real']} images, {scores['encoder']}",
        )
        for name, e in scores["metrics"].items():
            table.add_row(name, f"{e['value']:.4g}", f"{e['low']:.4g} to {e['high']:.4g}")
        if "class_accuracy" in scores:
            table.add_row("class accuracy", f"{scores['class_accuracy']:.4g}", "")
        Console().print(table)


def _show_log(log: Any) -> None:
    """Warnings (alarms, files left out) as lines on stderr, once."""
    import logging

    if not log.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.propagate = False


def _table(values: dict[str, float], title: str) -> None:
    from rich.console import Console
    from rich.table import Table

    if values:
        table = Table("", "value", title=title)
        for name, value in values.items():
            table.add_row(name, f"{value:.4g}")
        Console(stderr=True).print(table)
