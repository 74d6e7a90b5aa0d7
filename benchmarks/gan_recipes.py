"""Recipe x data at equal CPU-minutes: distances, coverage, and the accuracy of class-conditional samples.

Every cell (data, recipe, seed) trains for the same CPU time (of the process, all threads): a short run measures that of
a step, which decides the number of steps. Samples are compared with images that were not trained on, in the features of
one classifier per data set that was trained on real images and is the same for all recipes. Each cell is one JSON file
in `results/gan_recipes/`; cells that are there are skipped, so a stopped benchmark goes on where it was. The table of
means and deviations over the seeds is `results/gan_recipes.json`.

`RECIPE+augment` is the recipe with augmentation of probability 0.5, `RECIPE+classes` one that learns the classes where
it would do so by default; `--limit 200` trains on 200 images only.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from report import RESULTS, machine, write_result

from neubauer.gan.data.images import ImageSet, images_from_array, images_from_folder
from neubauer.metrics.features import ClassifierEncoder
from neubauer.metrics.generation import generation_metrics
from neubauer.models.estimators.image_generator import ImageGenerator
from neubauer.recipes import load_recipe, recipe_names

QUIET = {"log_every": 200, "preview_every": 0, "checkpoint_every": 1_000_000}
VARIANTS: dict[str, dict[str, Any]] = {
    "": {"conditioning": "none"},
    "augment": {"conditioning": "none", "augment": {"probability": 0.5, "translation": 0.125}},
    "classes": {},
}
"""Conditioning is changed only where a recipe leaves it to the data."""
TRUNCATION = 1.5


def mnist(folder: Path) -> tuple[ImageSet, ImageSet]:
    """Training and test digits, 28 px."""
    with np.load(folder / "mnist" / "mnist.npz") as file:
        return tuple(  # type: ignore[return-value]
            images_from_array(file[f"x_{part}"], [str(y) for y in file[f"y_{part}"]]) for part in ("train", "test")
        )


def pbc(folder: Path) -> tuple[ImageSet, ImageSet]:
    """Blood cells, 64 px; a fifth is kept from training."""
    data = images_from_folder(folder / "pbc")
    order = np.random.default_rng(0).permutation(len(data))
    cut = len(data) // 5
    return data.subset(np.sort(order[cut:])), data.subset(np.sort(order[:cut]))


DATA = {"mnist": mnist, "pbc": pbc}


def generator(variant: str, seed: int, steps: int, more: dict[str, Any]) -> ImageGenerator:
    recipe, _, name = variant.partition("+")
    changes = dict(VARIANTS[name])
    if load_recipe(recipe).get("conditioning") != "auto":
        changes.pop("conditioning", None)
    training = {**QUIET, "steps": steps, "seed": seed, "monitor": {"every": 0}, **more.get("training", {})}
    return ImageGenerator(recipe, {**changes, **more, "training": training})


def fit(variant: str, seed: int, steps: int, train: ImageSet, more: dict[str, Any], run: Path) -> ImageGenerator:
    classes = [train.classes[i] for i in train.labels] if train.labels is not None else None
    return generator(variant, seed, steps, more).fit(train.images, classes, out=run)


def steps_for(seconds: float, variant: str, train: ImageSet, more: dict[str, Any], probe: int) -> int:
    """How many steps fit into `seconds` of CPU time; the probe lasts at least a twentieth of it."""

    def spent(n: int) -> float:
        with tempfile.TemporaryDirectory() as folder:
            start = time.process_time()
            fit(variant, 0, n, train, more, Path(folder) / "run")
            return time.process_time() - start

    once = spent(2)  # what happens once is in both, and drops out of the difference
    while True:
        per_step = max((spent(probe + 2) - once) / probe, 1e-6)
        if per_step * probe >= seconds / 20:
            return max(1, round(seconds / per_step))
        probe = round(seconds / 15 / per_step)


def measure(model: ImageGenerator, test: ImageSet, encoder: ClassifierEncoder, n: int, seed: int) -> dict[str, Any]:
    """Numbers of `n` samples, and of `n` with truncated latents."""
    rng = np.random.default_rng(seed)
    real = encoder(test.batch(rng.permutation(len(test))[:n], rng)["image"])
    labels = torch.arange(n) % len(model.classes) if model.classes else None
    found: dict[str, Any] = {}
    for truncation, suffix in ((None, ""), (TRUNCATION, "_truncated")):
        samples = model.generate(model.latents(n, seed, truncation), labels)
        metrics = generation_metrics(real, encoder(samples), seed=seed)
        found |= {name + suffix: estimate.value for name, estimate in metrics.items()}
        if labels is not None:
            found["class_accuracy" + suffix] = float((encoder.classify(samples) == labels.numpy()).mean())
    return found


def summary(cells: Path) -> dict[str, Any]:
    """Mean and deviation over the seeds of every number, per data set and recipe."""
    groups: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(cells.glob("*.json")):
        cell = json.loads(file.read_text())
        groups.setdefault(f"{cell['data']} {cell['recipe']}", []).append(cell)
    return {
        name: {
            "seeds": len(found),
            **{
                key: {
                    "mean": statistics.mean(c["metrics"][key] for c in found),
                    "deviation": statistics.stdev(c["metrics"][key] for c in found) if len(found) > 1 else None,
                }
                for key in found[0]["metrics"]
            },
            "minutes": statistics.mean(c["seconds"] for c in found) / 60,
            "steps": statistics.mean(c["steps"] for c in found),
        }
        for name, found in groups.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--sets", default="mnist,pbc")
    parser.add_argument("--recipes", default=",".join(recipe_names("image-gan", "vae")), help="comma-separated")
    parser.add_argument("--minutes", type=float, default=10, help="CPU time of training, per cell")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--limit", type=int, help="training images")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--probe", type=int, default=20, help="steps that measure the time of a step")
    parser.add_argument("--encoder-steps", type=int, default=1500)
    parser.add_argument("--changes", type=json.loads, default={}, help="nested changes of all recipes, as JSON")
    parser.add_argument("--name", default="gan_recipes", help="of the results")
    parser.add_argument("--keep", type=Path, help="folder for the run folders, which are deleted without it")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cells = RESULTS / arguments.name
    cells.mkdir(parents=True, exist_ok=True)
    for name in arguments.sets.split(","):
        todo = [
            (variant, seed, cells / f"{name}-{variant}-{seed}.json")
            for seed in range(arguments.seeds)
            for variant in arguments.recipes.split(",")
        ]
        todo = [(variant, seed, file) for variant, seed, file in todo if not file.exists()]
        if not todo:
            continue
        train, test = DATA[name](arguments.data)
        assert train.labels is not None
        items = train.batch(np.arange(len(train)), np.random.default_rng(0))
        encoder = ClassifierEncoder(items["image"], train.labels, steps=arguments.encoder_steps)
        held = test.batch(np.arange(len(test)), np.random.default_rng(0))["image"]
        accuracy = float((encoder.classify(held) == test.labels).mean())
        del items, held
        if arguments.limit:
            train = train.subset(np.sort(np.random.default_rng(0).permutation(len(train))[: arguments.limit]))
        for variant, seed, file in todo:
            steps = steps_for(60 * arguments.minutes, variant, train, arguments.changes, arguments.probe)
            start = time.process_time()
            with tempfile.TemporaryDirectory() as folder:
                run = (arguments.keep or Path(folder)) / file.stem
                model = fit(variant, seed, steps, train, arguments.changes, run)
            seconds = time.process_time() - start
            assert model.report is not None
            if model.report.reason != "finished":
                raise SystemExit(f"{file.stem}: stopped at step {model.report.step} of {steps}; nothing is kept")
            cell = {
                "data": name,
                "recipe": variant,
                "seed": seed,
                "steps": steps,
                "seconds": seconds,
                "training_images": len(train),
                "encoder_accuracy": accuracy,
                "machine": machine(),
                "metrics": measure(model, test, encoder, arguments.samples, seed),
            }
            file.write_text(json.dumps(cell, indent=2) + "\n")
            print(f"{file.stem}: {json.dumps(cell['metrics'])}", flush=True)
    write_result(arguments.name, {"minutes": arguments.minutes, "samples": arguments.samples, "cells": summary(cells)})


if __name__ == "__main__":
    main()
