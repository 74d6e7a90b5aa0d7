"""Counts on sources that a model has not learnt from, beside those that it has.

python benchmarks/train_fold.py tissue-without-monuseg       # and the other folds: see sources.FOLDS
python benchmarks/unseen.py look before                      # the bundled models as they are, intervals without shift
python benchmarks/unseen.py look after --models build/folds
python benchmarks/unseen.py calibrate --only after           # the numbers in neubauer.models.counter.shift
python benchmarks/unseen.py report

`look` writes a row per image to build/unseen/NAME.json; `report` makes the results of all of them.
"""

from __future__ import annotations

import argparse
import json
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from datasets import Item, data_option
from report import write_result
from sources import FAMILIES, FOLDS, SOURCE, Fold, parts

from neubauer.models.counter import shift
from neubauer.models.counter.interval import interval, unit
from neubauer.models.counter.scale_fit import typical_diameters
from neubauer.models.counter.tune import match
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.shared.inputs import Reading, as_source

FOLDER = Path(__file__).resolve().parents[1] / "build" / "unseen"
MOST = 25
"""Images of a source that are looked at."""
CLASS = {"bccd": "RBC", "wbc-rapid": "WBC"}
"""What is counted in images of several classes."""
CHANNEL = {"vgg-cells": 2}
"""That holds the signal."""
ALPHA = 0.1


def look(model: Path | str, name: str, fold: Fold, data: Path) -> list[dict[str, Any]]:
    """A row for each image of the family that the fold was not trained or calibrated on."""
    counter = CellCounter.load(model)
    rows = []
    for part in FAMILIES[fold.family]:
        test, validation, rest = parts(part, data)
        by_source: dict[tuple[str, bool], list[Item]] = {}
        for item in (*test, *validation, *rest):
            source = SOURCE[part](item)
            known = part in fold.sets and (not fold.sources or source in fold.sources)
            if not known or item in test:
                by_source.setdefault((source, known), []).append(item)
        for (source, known), items in by_source.items():
            chosen = np.random.default_rng(0).permutation(len(items))[:MOST]
            found = [row(counter, items[i], source) for i in chosen]
            rows += [{"model": name, "family": fold.family, "source": source, "known": known} | r for r in found]
            print(name, source, "known" if known else "left out", len(found), flush=True)
    return rows


def row(counter: CellCounter, item: Item, source: str) -> dict[str, Any]:
    """What the counter says of an image, beside the truth."""
    config, pair = counter.config, item.pair()
    image = as_source(pair.source, config.channels, Reading(channel=CHANNEL.get(source)))
    layout, objects, info = counter.locate(image)
    estimates, flags = counter.estimate_counts(layout, objects)
    name = CLASS.get(source, "total")
    k = config.classes.index(name) if name != "total" else 0
    outcome = match(pair, layout, objects, config.layout_diameter).outcome[k, 0]
    true = float(len(pair.annotation) if name == "total" else pair.annotation.counts()[name])
    seen, distance = counter.signals(layout, objects)
    typical = typical_diameters([pair])[0]
    estimate = estimates[name]
    return {
        "image": image.name,
        "true": true,
        "count": estimate.count,
        "low": estimate.low,
        "high": estimate.high,
        "width": config.calibration.interval_width[name],
        "objects": int(objects.counts()[k]),
        "density": counter.density_counts(layout)[name],
        "flags": flags + (["negative"] if info.get("polarity") else []),
        "hits": outcome.tolist(),
        "diameter": float(info["diameter"]),  # type: ignore[arg-type]
        "true_diameter": typical,
        "strange": seen.strange,
        "disagreement": seen.disagreement,
        "doubt": seen.doubt,
        "distance": distance,
    }


def summary(rows: pd.DataFrame) -> dict[str, Any]:
    """Scores of the images of one source by one model."""
    true, count, low, high = (rows[c].to_numpy(float) for c in ("true", "count", "low", "high"))
    held = (low <= true) & (true <= high)
    flagged = np.array([bool(f) for f in rows["flags"]])
    tp, fp, fn = np.sum(rows["hits"].tolist(), 0)
    by_image = [2 * a / max(2 * a + b + c, 1) for a, b, c in rows["hits"]]
    miss = np.abs(count - true)
    outside = 2 / ALPHA * (np.maximum(low - true, 0) + np.maximum(true - high, 0))
    known = rows["true_diameter"].notna()
    off = np.abs(np.log(rows["diameter"][known] / rows["true_diameter"][known].astype(float)))
    size = {}
    if len(off):
        size = {
            "diameter_error_median": float(np.expm1(np.median(off))),
            "diameter_error_95": float(np.expm1(np.quantile(off, 0.95))),
        }
    return {
        "images": len(rows),
        "mean_true": float(true.mean()),
        "f1": float(2 * tp / max(2 * tp + fp + fn, 1)),
        "ap50": float(tp / max(tp + fp + fn, 1)),
        "f1_sd": float(np.std(by_image)),
        "error_percent": float(100 * miss.mean() / max(true.mean(), 1e-9)),
        "error_percent_sd": float(100 * miss.std() / max(true.mean(), 1e-9)),
        "bias_percent": float(100 * (count - true).mean() / max(true.mean(), 1e-9)),
        "held": float(held.mean()),
        "width": float(np.median((high - low) / np.maximum(true, 1))),
        "flagged": float(flagged.mean()),
        "held_unflagged": float(held[~flagged].mean()) if (~flagged).any() else None,
        "interval_score": float(np.mean((high - low + outside) / np.maximum(true, 1))),
        **size,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("look", "calibrate", "report"))
    parser.add_argument("name", nargs="?", default="", help="what to call it")
    parser.add_argument("--models", type=Path, help="folder of the folds' models; default: the bundled models")
    parser.add_argument("--only", nargs="*", help="folds; of calibrate: names of what was looked at")
    parser.add_argument("--threads", type=int, default=1)
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    if arguments.action == "calibrate":
        files = [FOLDER / f"{name}.json" for name in arguments.only]
        write_result("unseen_shift", calibrate(pd.concat(pd.DataFrame(json.loads(f.read_text())) for f in files)))
        return
    if arguments.action == "look":
        if arguments.models is None:
            shift.QUANTILE = 0.0
        done: list[dict[str, Any]] = []
        for name, fold in FOLDS.items():
            model = name if arguments.models is None else arguments.models / f"{name}.safetensors"
            there = Path(model).exists() if arguments.models is not None else fold.bundled
            if there and (not arguments.only or name in arguments.only):
                done += look(model, name, fold, arguments.data)
        (FOLDER / f"{arguments.name}.json").write_text(json.dumps(done))
        show(pd.DataFrame(done))
        return
    results = {}
    for file in sorted(FOLDER.glob("*.json")):
        table = pd.DataFrame(json.loads(file.read_text()))
        results[file.stem] = show(table)
    write_result("unseen", {"runs": results})


def calibrate(table: pd.DataFrame) -> dict[str, Any]:
    """Coefficients and quantile of `neubauer.models.counter.shift`.

    For each choice of the coefficients on a grid, the quantile is that with which the intervals hold 90 % of the images
    of sources that were left out, every source weighing the same (pooled distribution functions, Dunn, Wasserman &
    Ramdas, JASA 2022, without the point mass for a further source, which 90 % cannot afford with fewer than nine
    sources); the choice with the smallest mean interval score over all sources is taken, those that are known with a
    weight of their own, too.
    """
    count, true = table["count"].to_numpy(float), table["true"].to_numpy(float)
    error = np.abs(np.log((true + 1) / (count + 1)))
    known_part = table["width"].to_numpy(float) * unit(count) / (np.maximum(count, 0) + 1)
    beyond = np.sqrt(np.maximum(error**2 - known_part**2, 0))
    seen = np.maximum(table[["strange", "disagreement", "doubt"]].to_numpy(float), 0)
    left_out = ~table["known"].to_numpy(bool)
    group = table["model"] + "/" + table["source"]
    weight = 1 / group.map(group.value_counts()).to_numpy(float)
    best: dict[str, Any] = {"score": np.inf}
    for c in product((0.0, 0.1, 0.25, 0.5, 1.0), (0.0, 0.25, 0.5, 1.0, 2.0), (0.0, 0.5, 1.0, 2.0)):
        for floor in (0.0, 0.05, 0.1, 0.2):
            total = seen @ np.array(c) + floor * (seen[:, 0] > 0)
            with np.errstate(divide="ignore", invalid="ignore"):
                needed = np.where(beyond == 0, 0.0, np.where(total > 0, beyond / total, np.inf))[left_out]
            order = np.argsort(needed)
            share = np.cumsum(weight[left_out][order]) / weight[left_out].sum()
            q = float(needed[order][np.searchsorted(share, 1 - ALPHA)])
            if not np.isfinite(q):
                continue
            ends = [interval(n, w, q * s) for n, w, s in zip(count, table["width"], total, strict=True)]
            low, high = np.array(ends).T
            outside = 2 / ALPHA * (np.maximum(low - true, 0) + np.maximum(true - high, 0))
            score = float(np.average((high - low + outside) / np.maximum(true, 1), weights=weight))
            if score < best["score"]:
                held = (low <= true) & (true <= high)
                best = {
                    "score": score,
                    "coefficients": [*c, floor],
                    "quantile": q,
                    "held_left_out": float(np.average(held[left_out], weights=weight[left_out])),
                    "held_known": float(np.average(held[~left_out], weights=weight[~left_out])),
                }
    return best


def show(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The summaries of all pairs of model and source, printed."""
    keys = ["family", "model", "source", "known"]
    found = [dict(zip(keys, key, strict=True)) | summary(rows) for key, rows in table.groupby(keys, sort=False)]
    shown = pd.DataFrame(found).drop(columns=["f1_sd", "error_percent_sd", "family"])
    with pd.option_context("display.width", 250, "display.max_columns", 30, "display.max_rows", 99):
        print(shown.round(2).to_string(index=False))
    return found


if __name__ == "__main__":
    main()
