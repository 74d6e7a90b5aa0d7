"""Train one of the folds of `sources.FOLDS`; goes on where it was stopped.

python benchmarks/train_fold.py tissue-without-monuseg --out build/folds
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch
from datasets import data_option, pairs_of
from sources import FOLDS, chosen, negatives, parts

from neubauer.models.counter.fit import FitSettings
from neubauer.models.counter.remember import keep_what_is_known
from neubauer.models.counter.scale_fit import ScaleSettings, fit_scale, typical_diameters
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.shared.inputs import Annotated

FOLDER = Path(__file__).resolve().parents[1] / "build" / "folds"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=FOLDS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, help="instead of the fold's")
    parser.add_argument(
        "--scale-steps",
        type=int,
        default=1500,
        help="of the network that sees how large cells are; 0: the one there is",
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder for the model (default: %(default)s)")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    fold = FOLDS[arguments.name]
    arguments.out.mkdir(parents=True, exist_ok=True)
    train, validation = [], []
    for name in fold.sets:
        _, held_out, rest = parts(name, arguments.data)
        train += chosen(fold, name, rest)
        validation += chosen(fold, name, held_out)
    pairs = pairs_of(train) + list(negatives(fold.channels, fold.classes))
    settings = FitSettings(
        arguments.steps or fold.steps,
        crop=fold.crop,
        learning_rate=fold.learning_rate,
        augmentation=fold.augmentation,
        border_weight=fold.border_weight,
    )
    begin = time.monotonic()

    def report(step: int, losses: dict[str, float]) -> None:
        terms = ", ".join(f"{key} {value:.4f}" for key, value in losses.items())
        print(f"{step} steps, {time.monotonic() - begin:.0f} s: {terms}", flush=True)

    path = arguments.out / f"{arguments.name}.safetensors"
    checkpoint = path.with_suffix(".checkpoint")
    if path.exists() and not checkpoint.exists():
        counter = CellCounter.load(path)
    else:
        sizes = {} if fold.start else {"widths": (32, 64, 96, 128), "depths": (1, 2, 2, 2)}
        counter = CellCounter(
            settings=settings,
            start=fold.start,
            layout_diameter=fold.layout_diameter,
            validation=0.03,
            **sizes,  # type: ignore[arg-type]
        )
        images, annotations = [p.source for p in pairs], [p.annotation for p in pairs]
        counter.fit(images, annotations, report=report, checkpoint=checkpoint, resume=checkpoint.exists())
        counter.config.training["minutes"] = round((time.monotonic() - begin) / 60, 1)
        counter.config.training["name"] = arguments.name
        counter.save(path)
    percentiles = counter.config.percentiles
    if arguments.scale_steps:
        how = ScaleSettings(arguments.scale_steps, augmentation=fold.augmentation)
        counter.set(counter.config, scale=fit_scale(pairs, typical_diameters(pairs), how, percentiles, report))
        counter.save(path)
    finish(counter, pairs, pairs_of(validation))
    counter.save(path)


def finish(counter: CellCounter, trained: list[Annotated], validation: list[Annotated]) -> None:
    """Have the counter know its training images, and calibrate it on those that it was not trained on."""
    sized = [
        [(p, d) for p, d in zip(some, typical_diameters(some), strict=True) if d is not None]
        for some in (trained, validation)
    ]
    keep_what_is_known(counter, *sized)
    counter.calibrate(validation)


if __name__ == "__main__":
    main()
