"""Counting from dots alone: VGG cells, bone marrow (MBM) and adipocytes (ADI).

N training images (of which a share calibrates the counter), the rest tests; one line per set and seed. Images of one
region or donor are either trained on or tested on. The published numbers are for random splits of more images: in MBM
with quarters of one region on both sides, as in `mbm-quarters`. Count-ception had another N images for validation,
SAU-Net trained on all N. Results are added to `results/count_points.json` cell by cell, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from datasets import SETS, data_option, pairs_of, split_groups
from report import read_runs, write_result

from neubauer.models.counter.augment import Augmentation
from neubauer.models.counter.evaluate import evaluate_counter
from neubauer.models.counter.fit import FitSettings
from neubauer.models.estimators.cell_counter import CellCounter


@dataclass(frozen=True)
class Protocol:
    """`train` images, the diameter that they are scaled by (pixels), training; published mean absolute errors."""

    train: int
    diameter: float
    steps: int
    crop: int
    anchors: dict[str, float]
    stains: float = 0.0
    by_group: bool = True


PROTOCOLS = {
    "vgg": Protocol(32, 20, 3600, 256, {"target": 2.2, "Count-ception": 2.4, "FCRN": 2.9}),
    "mbm": Protocol(15, 22, 1500, 256, {"target": 5.7, "SAU-Net": 5.7, "Count-ception": 8.8}, stains=0.5),
    "adi": Protocol(50, 12, 1200, 256, {"target": 14.0, "SAU-Net": 14.2, "Count-ception": 19.4}),
}
PROTOCOLS["mbm-quarters"] = replace(PROTOCOLS["mbm"], by_group=False)
NAME = "count_points"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name in arguments.sets:
        items = SETS[name[:3]](arguments.data)
        if not PROTOCOLS[name].by_group:
            items = [replace(item, group=item.image.stem) for item in items]
        for seed in arguments.seeds:
            if f"{name}-{seed}" not in read_runs(NAME):
                run = one(name, PROTOCOLS[name], items, seed)
                write_result(NAME, summarise({**read_runs(NAME), f"{name}-{seed}": run}))


def one(name: str, protocol: Protocol, items: list, seed: int) -> dict[str, float]:
    """Train and test once."""
    train, test = split_groups(items, [protocol.train], seed)
    train, extra = train[: protocol.train], train[protocol.train :]  # a group may have brought more than asked for
    pairs = pairs_of(train)
    augmentation = Augmentation(stains=protocol.stains)
    settings = FitSettings(protocol.steps, crop=protocol.crop, seed=seed, augmentation=augmentation)
    start = time.monotonic()
    counter = CellCounter(diameter=protocol.diameter, settings=settings)
    counter.fit([p.source for p in pairs], [p.annotation for p in pairs], groups=[i.group for i in train])
    minutes = (time.monotonic() - start) / 60
    scores, _ = evaluate_counter(counter, pairs_of(test))
    print(name, seed, f"{minutes:.1f} min, {len(extra)} images unused", scores, flush=True)
    density = counter.config.calibration.count_method["total"] == "density"
    return {**scores["total"], "minutes": minutes, "test_images": len(test), "by_density": float(density)}


def summarise(runs: dict[str, dict[str, float]]) -> dict[str, object]:
    """Mean and spread per set."""
    rows = []
    for name, protocol in PROTOCOLS.items():
        mine = [r for key, r in runs.items() if key.rsplit("-", 1)[0] == name]
        if mine:
            mae = np.array([r["mae"] for r in mine])
            rows.append(
                {
                    "set": name,
                    "training_images": protocol.train,
                    "seeds": len(mine),
                    "mae_mean": round(float(mae.mean()), 2),
                    "mae_sd": round(float(mae.std(ddof=1)), 2) if len(mine) > 1 else None,
                    "bias_mean": round(float(np.mean([r["bias"] for r in mine])), 2),
                    "interval_coverage": round(float(np.mean([r["interval_coverage"] for r in mine])), 3),
                    "minutes": round(float(np.mean([r["minutes"] for r in mine])), 1),
                    **protocol.anchors,
                }
            )
    return {"rows": rows, "runs": runs}


if __name__ == "__main__":
    main()
