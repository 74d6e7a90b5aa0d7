"""Train one of the folds of `sources.FOLDS`; goes on where it was stopped.

python benchmarks/train_fold.py tissue-without-monuseg --out build/folds
"""

from __future__ import annotations

import argparse
import time
from dataclasses import asdict
from pathlib import Path

import torch
from datasets import data_option, pairs_of
from report import write_result
from sources import FOLDS, GREY, WIDE, Fold, Stage, chosen, negatives, parts
from train_bundled import RECIPES, card, parts_of

from neubauer.models.counter.evaluate import evaluate_counter
from neubauer.models.counter.fit import FitSettings
from neubauer.models.counter.remember import keep_what_is_known
from neubauer.models.counter.scale_fit import ScaleSettings, fit_scale, typical_diameters
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.shared.bundled import WEIGHTS
from neubauer.models.shared.fitting import Report
from neubauer.models.shared.inputs import Annotated

FOLDER = Path(__file__).resolve().parents[1] / "build" / "folds"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=FOLDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--scale-steps",
        type=int,
        default=1000,
        help="of the network that sees how large cells are; 0: the one there is",
    )
    parser.add_argument("--bundle", action="store_true", help="put the model into the package, with its card")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the model (default: %(default)s)")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    fold = FOLDS[arguments.name]
    arguments.out.mkdir(parents=True, exist_ok=True)
    if fold.stages:
        train, validation = [], []
        for name in fold.sets:
            _, held_out, rest = parts(name, arguments.data)
            train += chosen(fold, name, rest)
            validation += chosen(fold, name, held_out)
        trained, calibrated = pairs_of(train), pairs_of(validation)
    else:  # the network stays as its recipe made it
        before = parts_of(RECIPES[arguments.name], arguments.data)
        trained, calibrated = before.trained, before.held_out
    pairs = trained + list(negatives(fold.channels, fold.classes))
    path = arguments.out / f"{arguments.name}.safetensors"
    begin = time.monotonic()

    def report(step: int, losses: dict[str, float]) -> None:
        terms = ", ".join(f"{key} {value:.4f}" for key, value in losses.items())
        print(f"{step} steps, {time.monotonic() - begin:.0f} s: {terms}", flush=True)

    counter = CellCounter.load(path) if path.exists() else None
    done = len(str(counter.config.training.get("stages", ""))) if counter else 0
    for number, stage in enumerate(fold.stages[done:], done):
        counter = learn(fold, stage, path if counter else fold.start, pairs, path.with_suffix(".checkpoint"), report)
        counter.config.training |= {
            "name": arguments.name,
            "licence": fold.licence,
            "stages": "x" * (number + 1),
            "minutes": round((time.monotonic() - begin) / 60, 1),
        }
        counter.save(path)
    counter = counter or CellCounter.load(fold.start or path)
    counter.config.training |= {"name": arguments.name, "licence": fold.licence} | fold.further
    if arguments.scale_steps and counter.scale_ is None:
        how = ScaleSettings(arguments.scale_steps, augmentation=WIDE if fold.channels == 3 else GREY)
        percentiles = counter.config.percentiles
        counter.set(counter.config, scale=fit_scale(pairs, typical_diameters(pairs), how, percentiles, report))
        counter.save(path)
    finish(counter, trained, calibrated)
    counter.save(path)
    if arguments.bundle:
        bundle(arguments.name, counter, arguments.data)


def bundle(name: str, counter: CellCounter, data: Path) -> None:
    """Put a model into the package, with its card, and its results on images that it never saw."""
    recipe = RECIPES[name]
    tests = {part: parts(part, data)[0] for part in recipe.sets}
    scores = {part: evaluate_counter(counter, pairs_of(items))[0] for part, items in tests.items()}
    sizes = {part: len(items) for part, items in tests.items()}
    training = counter.config.training
    minutes = float(str(training.get("minutes", 0)))
    calibration = counter.config.calibration.model_dump()
    write_result(
        f"bundled_{name}",
        {
            "minutes": minutes,
            "recipe": asdict(recipe),
            "calibration": calibration,
            "test_images": sizes,
            "scores": scores,
        },
    )
    counter.save(WEIGHTS / f"{name}.safetensors")
    text = card(name, recipe, counter, scores, sizes, minutes).replace("train_bundled.py", "train_fold.py --bundle")
    (WEIGHTS / f"{name}.md").write_text(text, encoding="utf-8")


def learn(
    fold: Fold, stage: Stage, start: str | Path | None, pairs: list[Annotated], checkpoint: Path, report: Report
) -> CellCounter:
    """Train, from random weights without a `start`; goes on from the checkpoint if it is there."""
    settings = FitSettings(
        stage.steps,
        crop=fold.crop,
        learning_rate=stage.learning_rate,
        augmentation=stage.augmentation,
        border_weight=fold.border_weight,
    )
    sizes = {} if start else {"widths": (32, 64, 96, 128), "depths": (1, 2, 2, 2)}
    counter = CellCounter(
        settings=settings,
        start=start,
        layout_diameter=fold.layout_diameter,
        validation=0.03,
        **sizes,  # type: ignore[arg-type]
    )
    images, annotations = [p.source for p in pairs], [p.annotation for p in pairs]
    return counter.fit(images, annotations, report=report, checkpoint=checkpoint, resume=checkpoint.exists())


def finish(counter: CellCounter, trained: list[Annotated], validation: list[Annotated]) -> None:
    """Have the counter know its training images, and calibrate it on those that it was not trained on."""
    sized = [
        [(p, d) for p, d in zip(some, typical_diameters(some), strict=True) if d is not None]
        for some in (trained, validation)
    ]
    keep_what_is_known(counter, *sized)
    counter.calibrate(validation, by_objects=True)


if __name__ == "__main__":
    main()
