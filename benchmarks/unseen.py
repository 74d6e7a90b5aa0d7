"""Counts on sources that a model has not learnt from, beside those that it has.

python benchmarks/train_fold.py tissue-without-monuseg       # and the other folds: see sources.FOLDS
python benchmarks/unseen.py look before                      # the bundled models as they are, intervals without shift
python benchmarks/unseen.py look after --models build/folds
python benchmarks/unseen.py slopes --only after              # for neubauer.models.counter.shift
python benchmarks/unseen.py report

`look` writes a row per image to build/unseen/NAME.json; `report` makes the results of all of them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from datasets import Item, data_option
from report import write_result
from sources import FAMILIES, FOLDS, SOURCE, Fold, parts

from neubauer.models.counter import shift
from neubauer.models.counter.interval import interval
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
SLOPES = (0.0, 0.3, 0.6, 0.8, 1.0, 1.5)


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
    counts = counter.counts(layout)
    estimates = counts.estimates(objects.class_index, layout.density_sums)
    flags = counts.flags(estimates, objects.class_index)
    name = CLASS.get(source, "total")
    k = config.classes.index(name) if name != "total" else 0
    outcome = match(pair, layout, objects, config.layout_diameter).outcome[k, 0]
    true = float(len(pair.annotation) if name == "total" else pair.annotation.counts()[name])
    distance = counts.strangeness
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
        "density": counts.density(layout.density_sums)[name],
        "flags": flags + (["negative"] if info.get("polarity") else []),
        "hits": outcome.tolist(),
        "diameter": float(info["diameter"]),  # type: ignore[arg-type]
        "true_diameter": typical,
        "strange": None if distance is None or counter.known_ is None else distance / counter.known_.middle,
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
    parser.add_argument("action", choices=("look", "slopes", "report"))
    parser.add_argument("name", nargs="?", default="", help="what to call it")
    parser.add_argument("--models", type=Path, help="folder of the folds' models; default: the bundled models")
    parser.add_argument("--only", nargs="*", help="folds; of slopes: names of what was looked at")
    parser.add_argument("--threads", type=int, default=1)
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    if arguments.action == "slopes":
        files = [FOLDER / f"{name}.json" for name in arguments.only]
        table = pd.concat(pd.DataFrame(json.loads(f.read_text())) for f in files)
        write_result("unseen_slopes", {"rows": slopes(table)})
        return
    if arguments.action == "look":
        if arguments.models is None:
            shift.SLOPE = 0.0
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


def slopes(table: pd.DataFrame) -> list[dict[str, float]]:
    """What slopes of `neubauer.models.counter.shift` mean: what is held of sources left out, and the price in width.

    Every pair of a model and a source weighs the same. The slope that holds 90 % of the images of sources that were
    left out is what conformal prediction for hierarchical data takes (pooled distribution functions, Dunn, Wasserman &
    Ramdas, JASA 2022); with fewer than nine sources there is no guarantee for a further one.
    """
    count, true = table["count"].to_numpy(float), table["true"].to_numpy(float)
    distance = np.log(np.maximum(table["strange"].to_numpy(float), 1))
    flagged = np.array([bool(f) for f in table["flags"]])
    strange = np.array([any(f.startswith("unlike") for f in flags) for flags in table["flags"]])
    plain = np.array([interval(n, w) for n, w in zip(count, table["width"], strict=True)])
    found = []
    for slope in SLOPES:
        known = zip(count, table["width"], distance, strange, strict=True)
        ends = [interval(n, w, slope * d, bool(s) and slope > 0) for n, w, d, s in known]
        low, high = np.array(ends, float).T
        outside = 2 / ALPHA * (np.maximum(low - true, 0) + np.maximum(true - high, 0))
        rows = table.assign(
            held=(low <= true) & (true <= high),
            ratio=(high - low) / np.maximum(plain[:, 1] - plain[:, 0], 1),
            score=(high - low + outside) / np.maximum(true, 1),
        )
        means = rows.groupby(["known", "model", "source"])[["held", "ratio", "score"]].mean().groupby("known").mean()
        medians = rows.groupby("known")["ratio"].median()
        found.append(
            {"slope": slope}
            | {
                f"{what}, {'known' if known else 'left out'}": float(means.loc[known, what])
                for known in (True, False)
                for what in ("held", "ratio", "score")
            }
            | {
                "median ratio, known": float(medians[True]),
                "held, left out and not flagged": float(rows["held"][~rows["known"] & ~flagged].mean()),
            }
        )
    return found


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
