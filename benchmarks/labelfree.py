"""Counting without annotations: what each stage of the training brings, beside the same network trained on all
annotations.

One line per set, variant and seed; results are added to `results/labelfree.json` one by one, so that a stopped run goes
on. The test images are seen by no training, not even without their annotations.

python benchmarks/labelfree.py --sets bccd --variants procedural,self-training --seeds 3
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from datasets import SETS, Item, data_option, pairs_of, split_groups
from report import read_runs, write_result

from neubauer.cells.annotation import Annotation
from neubauer.gan.config.base import merge, validate
from neubauer.gan.config.labelfree import LabelFreeConfig
from neubauer.models.counter.evaluate import evaluate_counter
from neubauer.models.counter.fit import FitSettings
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.recipes import load_recipe

NAME = "labelfree"


@dataclass(frozen=True)
class Protocol:
    """`train` and `test` images (the rest is for trying things out), the diameter that a person would say, and the
    recipe."""

    train: int
    test: int
    diameter: float
    recipe: str
    groups: tuple[str, ...]


PROTOCOLS = {
    "bccd": Protocol(100, 60, 105, "blood-smear-labelfree", ("RBC", "WBC", "Platelets")),
    "dsb2018-fluorescence": Protocol(100, 60, 18, "nuclei-labelfree", ("total",)),
    "dsb2018-colour": Protocol(60, 30, 24, "tissue-labelfree", ("total",)),
    "mbm": Protocol(15, 15, 22, "tissue-labelfree", ("total",)),
}
STEPS = {"warm_steps": 300, "steps": 500}
"""Of every variant, the supervised ones too; the painter's come on top."""
OFF: dict[str, Any] = STEPS | {"refits": 0, "rounds": 0, "twin_steps": 0, "painter": {"steps": 0}}
PAINTER = {"painter": {"steps": 400}}
ADAPT = {"refits": 1, "rounds": 1}
VARIANTS: dict[str, dict[str, Any]] = {
    "procedural": OFF,
    "refit": OFF | {"refits": 1},
    "painter": OFF | PAINTER,
    "painter+layouts": OFF | {"painter": {"steps": 400, "layout_weight": 0.1}},
    "refit+self": OFF | ADAPT,
    "all": OFF | PAINTER | ADAPT,
    "few+rest": OFF | ADAPT,
    "few": STEPS,
    "supervised": STEPS,
}
ANNOTATED = ("few", "supervised")
FEW = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default=",".join(PROTOCOLS))
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--trial", action="store_true", help="measure on the images kept for trying out; keep nothing")
    parser.add_argument("--set", dest="changes", type=json.loads, default={}, help="changes of the config, as JSON")
    parser.add_argument("--models", type=Path, help="folder that keeps the counters and their pictures")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for seed in range(arguments.seeds):
        for name in arguments.sets.split(","):
            for variant in arguments.variants.split(","):
                key = f"{name} {variant} {seed}"
                if key in read_runs(NAME) and not arguments.trial:
                    continue
                test, train, rest = split_groups(
                    SETS[name](arguments.data), [PROTOCOLS[name].test, PROTOCOLS[name].train], 0
                )
                found = measure(name, variant, seed, train, rest[: len(test)] if arguments.trial else test, arguments)
                print(key, json.dumps(found), flush=True)
                if not arguments.trial:
                    write_result(NAME, summarise(read_runs(NAME) | {key: found}))


def measure(
    name: str, variant: str, seed: int, train: list[Item], test: list[Item], arguments: argparse.Namespace
) -> dict[str, Any]:
    """Scores of one counter."""
    protocol, changes = PROTOCOLS[name], VARIANTS[variant]
    start, cpu = time.monotonic(), time.process_time()
    pairs = pairs_of(train)
    tables = merge(load_recipe(protocol.recipe), changes)
    config = validate(LabelFreeConfig, merge(tables, arguments.changes), name)
    settings = FitSettings(config.warm_steps + config.steps, config.batch, config.crop, seed=seed)
    few = set(np.random.default_rng(seed).permutation(len(pairs))[:FEW].tolist())
    images = [p.source for p in pairs]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        if variant in ANNOTATED:
            counter = CellCounter(settings=settings)
            chosen = [p for i, p in enumerate(pairs) if variant == "supervised" or i in few]
            counter.fit([p.source for p in chosen], [p.annotation for p in chosen])
        else:
            counter = CellCounter(settings=settings, diameter=protocol.diameter)
            marks: list[Annotation | None] | None = None
            if variant.startswith("few"):
                counter.diameter = None
                marks = [p.annotation if i in few else None for i, p in enumerate(pairs)]
            preview = arguments.models / f"{name}-{variant}-{seed}.png" if arguments.models else None
            counter.fit(images, marks, labelfree=config, preview=preview)
    minutes, cpu_minutes = (time.monotonic() - start) / 60, (time.process_time() - cpu) / 60
    if arguments.models:
        counter.save(arguments.models / f"{name}-{variant}-{seed}.safetensors")
    scores, _ = evaluate_counter(counter, pairs_of(test))
    found: dict[str, Any] = {"minutes": round(minutes, 1), "cpu_minutes": round(cpu_minutes, 1), "test": len(test)}
    for group in protocol.groups:
        for metric in ("f1", "precision", "recall", "mae", "bias", "ap50", "interval_coverage", "interval_width"):
            if metric in scores[group]:
                found[f"{group}/{metric}"] = round(scores[group][metric], 4)
        if "ap50" in scores[group] and pairs[0].annotation.kind == "masks":
            ap = scores[group]["ap50"]  # TP / (TP + FP + FN)
            found[f"{group}/f1_iou50"] = round(2 * ap / (1 + ap), 4)
    trust = counter.config.training.get("trust")
    return found | ({"trust": trust} if trust else {})


def summarise(runs: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Mean and deviation over the seeds, per set and variant."""
    rows: dict[str, dict[str, Any]] = {}
    for key in runs:
        cell = key.rsplit(" ", 1)[0]
        mine = [r for k, r in runs.items() if k.rsplit(" ", 1)[0] == cell]
        numbers = [n for n, v in mine[0].items() if isinstance(v, int | float)]
        rows[cell] = {"seeds": len(mine)} | {
            n: [round(f([r[n] for r in mine]), 4) for f in ((mean, stdev) if len(mine) > 1 else (mean,))]
            for n in numbers
        }
    return {"steps": STEPS, "protocols": {k: vars(v) for k, v in PROTOCOLS.items()}, "means": rows, "runs": runs}


if __name__ == "__main__":
    main()
