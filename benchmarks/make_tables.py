"""Make docs/benchmarks.md from the results in benchmarks/results."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from report import RESULTS

DOCS = Path(__file__).resolve().parents[1] / "docs"


def main() -> None:
    parts = [
        "# Benchmarks",
        "",
        "Made by `python benchmarks/make_tables.py` from `benchmarks/results/*.json`; do not edit.",
        "",
    ]
    for name, section in SECTIONS.items():
        path = RESULTS / f"{name}.json"
        if path.exists():
            result = json.loads(path.read_text())
            m = result["machine"]
            parts += section(result)
            parts += [
                "",
                f"Measured on {m['cpu']}, {m['cores']} cores, {m['threads']} thread(s), PyTorch {m['torch']}.",
                "",
            ]
    (DOCS / "benchmarks.md").write_text("\n".join(parts), encoding="utf-8")


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Markdown table of the rows; its columns are all keys that occur."""
    keys = list(dict.fromkeys(key for row in rows for key in row))
    lines = ["| " + " | ".join(keys) + " |", "| " + " | ".join("---" for _ in keys) + " |"]
    return lines + ["| " + " | ".join(_text(row.get(key)) for key in keys) + " |" for row in rows]


def _text(value: Any) -> str:
    return "" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def points(result: dict[str, Any]) -> list[str]:
    """Counting from dots."""
    head = (
        "Mean absolute error of the count on the images left over, mean and standard deviation over seeds "
        "(splits and weights)."
    )
    return ["## Counting from dots", "", head, "", *table(result["rows"])]


def heads(result: dict[str, Any]) -> list[str]:
    """Votes against watershed."""
    rows = [{"decoder": name, **values} for name, values in result["rows"].items()]
    head = "DSB2018 fluorescence, 60 test images per seed, TP / (TP + FP + FN); the same networks, the same peaks."
    return ["## Votes or watershed", "", f"{head} {len(result['runs'])} seeds.", "", *table(rows)]


def spread(result: dict[str, Any]) -> list[str]:
    """Bundled recipes over splits and seeds."""
    head = "The recipes with fewer steps; mean and standard deviation over seeds (splits, weights, crops)."
    return ["## Bundled recipes over splits", "", head, "", *table(result["rows"])]


def speed(result: dict[str, Any]) -> list[str]:
    """Seconds per tile."""
    head = (
        f"One thread, one 512 × 512 tile ({result['objects_in_tile']} objects), {result['runs']} runs in turn; "
        "ratio to the first row."
    )
    return ["## Speed", "", head, "", *table(result["rows"])]


def large(result: dict[str, Any]) -> list[str]:
    """Large images."""
    return ["## Large images", "", result["what"], "", *table(result["rows"])]


def bundled(result: dict[str, Any]) -> list[str]:
    """A bundled model on its test images."""
    lines = []
    for part, groups in result["scores"].items():
        lines += [f"## Bundled model on {part} ({result['test_images'][part]} test images)", ""]
        lines += table([{"": name, **values} for name, values in groups.items()])
        lines.append("")
    return [*lines, f"Trained in {result['minutes']} minutes."]


def start(result: dict[str, Any]) -> list[str]:
    """Cold start."""
    return ["## Cold start", "", result["what"], "", *table(result["rows"])]


def labelfree(result: dict[str, Any]) -> list[str]:
    """Counting without annotation: mean (and deviation) over seeds of each variant."""
    rows = []
    for name, values in sorted(result["means"].items()):
        data, _, variant = name.partition(" ")
        row: dict[str, Any] = {"data": data, "variant": variant, "seeds": values["seeds"]}
        for group in result["protocols"][data]["groups"]:
            for score in ("f1", "f1_iou50", "mae"):
                found = values.get(f"{group}/{score}")
                if found:
                    row[f"{group} {score}"] = " ± ".join(f"{v:.3g}" for v in found)
        row["CPU-minutes"] = values["cpu_minutes"][0]
        rows.append(row)
    head = "The same network, trained without annotation (variants) or with all of them (supervised); own test split."
    return ["## Counting without annotation", "", head, "", *table(rows)]


def classifier(result: dict[str, Any]) -> list[str]:
    """The bundled classifier on its test images, and on another stain."""
    keys = ("n", "accuracy", "balanced_accuracy", "auc", "calibration_error")
    rows = [{"data": "pbc", **{k: result["pbc"][k] for k in keys}}]
    rows += [
        {"data": f"wbc-rapid, {name}", **{k: found.get(k) for k in keys}}
        for name, found in result["wbc-rapid"].items()
        if isinstance(found, dict)
    ]
    return ["## Bundled classifier of blood cells", "", "Images that training did not see.", "", *table(rows)]


def rows(title: str) -> Callable[[dict[str, Any]], list[str]]:
    """A result that is a table already."""

    def section(result: dict[str, Any]) -> list[str]:
        what = [result["what"], ""] if "what" in result else []
        return [f"## {title}", "", *what, *table(result["rows"])]

    return section


def seeds(result: dict[str, Any]) -> list[str]:
    """Several seeds of a detection or segmentation benchmark."""
    return [f"## {result['title']}", "", result["what"], "", *table(result["rows"])]


def gan_speed(result: dict[str, Any]) -> list[str]:
    """Training step beside plain loops and Keras."""
    rates, over = result["images_per_second"], result["trainer_speedup_over"]
    names = {
        "plain": "PyTorch loop, float32",
        "keras": result["versions"].get("keras"),
        "bare": f"PyTorch loop, {result['precision']}, channels last",
        "trainer": "trainer and monitor",
    }
    rows = [
        {
            "": names[name],
            "images/s": rate,
            "trainer is faster by": over[name]["median"] if name in over else None,
            "lowest": over[name]["low"] if name in over else None,
            "highest": over[name]["high"] if name in over else None,
        }
        for name, rate in rates.items()
    ]
    tail = (
        f"Overhead over the bare loop {100 * result['trainer_overhead_over_bare']:.1f} %; arithmetic rate "
        f"{result['share_of_matrix_rate']:.2f} of that of a large {result['precision']} matrix product."
    )
    head = f"Training step of {result['what']}; medians over blocks in turn."
    threads = result["machine"]["threads"]
    return [
        f"## Adversarial engine: speed, {threads} thread{'s' if threads > 1 else ''}",
        "",
        head,
        "",
        *table(rows),
        "",
        tail,
    ]


def gan_recipes(title: str, what: str = "") -> Callable[[dict[str, Any]], list[str]]:
    """Recipe x data, under a title."""

    def section(result: dict[str, Any]) -> list[str]:
        head = (
            f"{what}{result['minutes']:g} CPU-minutes of training each; {result['samples']} samples against images not "
            "trained on, in the features of a classifier trained on real images. Mean ± standard deviation over seeds."
        )
        return [f"## Adversarial engine: {title}", "", head, "", *table(_recipe_rows(result))]

    return section


def _recipe_rows(result: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name, cell in sorted(result["cells"].items(), key=lambda c: (c[0].split()[0], c[1]["kernel_distance"]["mean"])):
        data, recipe = name.split()
        row: dict[str, Any] = {"data": data, "recipe": recipe, "seeds": cell["seeds"], "steps": round(cell["steps"])}
        kinds = ("kernel_distance", "frechet_distance", "coverage", "class_accuracy")
        for key in (*kinds, *(f"{kind}_truncated" for kind in kinds)):
            if key in cell:
                mean, deviation = cell[key]["mean"], cell[key]["deviation"]
                row[key.replace("_", " ")] = f"{mean:.3g}" + ("" if deviation is None else f" ± {deviation:.2g}")
        rows.append(row)
    return rows


def unseen(result: dict[str, Any]) -> list[str]:
    """Known sources and others."""
    keys = {
        "model": "model",
        "source": "source",
        "known": "learnt from",
        "images": "images",
        "f1": "F1 at IoU .5",
        "ap50": "AP at .5",
        "error_percent": "count error, %",
        "bias_percent": "bias, %",
        "held": "intervals that hold",
        "width": "median width / truth",
        "flagged": "flagged",
        "held_unflagged": "hold, unflagged",
        "interval_score": "interval score / truth",
        "diameter_error_median": "diameter, median error",
        "diameter_error_95": "diameter, 95th percentile",
    }
    rows = [
        {"run": name} | {label: _with_spread(row, key) for key, label in keys.items()}
        for name, run in result["runs"].items()
        for row in run
    ]
    head = (
        "Each counter on images of sources that it has learnt from (test images) and of others of the same family; "
        "`before`: with series of scales, and intervals that do not know of other sources. Cells by IoU .5 of masks "
        "and boxes, or distance of points, ± standard deviation over images; the diameter is left to the program. "
        "MBM and VGG are points: what is "
        "counted there need not be what the counter has learnt to outline. Interval score: Gneiting and Raftery 2007."
    )
    return ["## Sources that were not learnt from", "", head, "", *table(rows)]


def _with_spread(row: dict[str, Any], key: str) -> object:
    """A number, with its standard deviation over images where there is one."""
    spread = row.get(f"{key}_sd")
    return row.get(key) if spread is None else f"{row[key]:.3g} ± {spread:.2g}"


def slopes(result: dict[str, Any]) -> list[str]:
    """What wider intervals for strange images buy."""
    head = (
        "Share of intervals that hold, their width in units of that without regard to the distance (mean over images), "
        "and interval score over truth, mean over pairs of model and source; for `SLOPE` in "
        "`neubauer.models.counter.shift`."
    )
    return ["## Wider intervals for strange images", "", head, "", *table(result["rows"])]


def peer(result: dict[str, Any]) -> list[str]:
    """Another program on the same work."""
    about = result["peer"]
    keys = ("source", "images", "method", "ap50", "f1", "count_error_percent", "seconds", "times_as_fast_median")
    head = (
        f"StarDist, trained for {about['epochs'] * about['steps']} steps of {about['batch']} crops of "
        f"{about['patch']} pixels ({about['cpu_minutes']} processor minutes; its authors train much longer), on the "
        "training images of `nuclei-fluorescence`, which was trained for 12,000; `fluorescence-without-360-696` took "
        "as long as StarDist, and saw less of the sources. Processor seconds of one thread from files to label images, "
        "no diameter given to either: how long `neubauer` takes depends on the size of the nuclei, since it scales "
        "them to 30 pixels."
    )
    return ["## Beside StarDist", "", head, "", *table([{k: row[k] for k in keys} for row in result["rows"]])]


def chamber(result: dict[str, Any]) -> list[str]:
    """Counting chambers: rulings found, counts, intervals."""
    runs = result["runs"]
    of = {kind: [r for name, r in runs.items() if name.startswith(kind)] for kind in ("simulated", "square", "plain")}
    rows = []
    for name in dict.fromkeys(r["chamber"] for r in of["simulated"]):
        own = [r for r in of["simulated"] if r["chamber"] == name and r["in_view"]]
        counted = [r for r in own if "counted" in r]
        n = max(len(counted), 1)
        close = [max(2, 0.15 * r["true"]) for r in counted]
        errors = {key: [abs(r[key] - r["true"]) for r in counted] for key in ("counted", "classical")}
        near = {key: sum(e <= c for e, c in zip(errors[key], close, strict=True)) for key in errors}
        cells = max(sum(r["true"] for r in counted), 1)
        corners = sorted(r["corner_um"] for r in counted)
        rows.append(
            {
                "chamber": name,
                "photographs": len(own),
                "ruling found": f"{sum(r['found'] for r in own)} of {len(own)}",
                "corner error, median, µm": f"{corners[len(corners) // 2]:.1f}" if corners else "",
                "cells": sum(r["true"] for r in counted),
                "within 2 cells or 15 %": f"{near['counted']} of {len(counted)}",
                "the same, without training": f"{near['classical']} of {len(counted)}",
                "count error, mean, %": f"{100 * sum(errors['counted']) / cells:.1f}",
                "without training, %": f"{100 * sum(errors['classical']) / cells:.1f}",
                "intervals that hold the count": f"{sum(r['interval_holds_count'] for r in counted) / n:.2f}",
                "that hold the mean": f"{sum(r['interval_holds_mean'] for r in counted) / n:.2f}",
            }
        )
    photos = [
        {
            "photograph": name.removeprefix("photo "),
            "by eye": f"{r['by_eye'][0]}–{r['by_eye'][1]}",
            "counted": r["counted"],
            "interval of the counter": f"{r['low']}–{r['high']}",
            "without training": r["classical"],
            "large squares": r["squares"],
        }
        for name, r in runs.items()
        if name.startswith("photo ")
    ]
    found = [r for r in of["square"] if r["found"]]
    overlaps = sorted(r["overlap"] for r in found)
    offs = sorted(r["off"] for r in found)
    head = (
        "`neubauer chamber` on photographs drawn with seeds that training never used (perspective, distortion beyond "
        "what the fit can describe, defocus, dirt; at least one large square wholly in view). A ruling is found if all "
        "corners lie within 10 µm. Without training: lines taken away by medians along them, blobs of local contrast. "
        "The mean is that of the drawn concentration."
    )
    lines = ["## Counting chambers", "", head, "", *table(rows), ""]
    if of["plain"]:
        wrong = sum(r["support"] > 0 for r in of["plain"])
        lines += [f"Photographs without a ruling: one was found in {wrong} of {len(of['plain'])}.", ""]
    if photos:
        lines += [
            "Two photographs by phone through the eye-piece, one square each. They are no test: what is too "
            "faint to be a cell was decided on them.",
            "",
            *table(photos),
            "",
        ]
    if found:
        lines += [
            f"The marked square in {len(of['square'])} small pictures (416 x 416 pixels; stretched, turned and "
            f"mirrored copies of 26 photographs): found in {len(found)} (overlap of the boxes above .8); overlap, "
            f"median {overlaps[len(overlaps) // 2]:.3f}; largest difference of a side, median "
            f"{offs[len(offs) // 2]:.1%} of the width.",
        ]
    return lines


SECTIONS = {
    "count_points": points,
    "count_heads": heads,
    "count_spread": spread,
    "bundled_nuclei-fluorescence": bundled,
    "bundled_nuclei-haematoxylin": bundled,
    "bundled_nuclei-histology": bundled,
    "bundled_nuclei-histology-nc": bundled,
    "bundled_blood-smear": bundled,
    "chamber": chamber,
    "unseen": unseen,
    "unseen_slopes": slopes,
    "reference_peer": peer,
    "diameter_cost": rows("The diameter left to the program"),
    "count_speed": speed,
    "count_large": large,
    "regions": rows("Counting in regions"),
    "cold_start": start,
    "report_size": rows("Reports of many images"),
    "gan_speed": gan_speed,
    "gan_speed_4": gan_speed,
    "gan_recipes": gan_recipes("recipes"),
    "gan_conditional": gan_recipes("classes", "`dcgan-r1` with a discriminative classifier (`conditioning = auto`). "),
    "gan_few_images": gan_recipes("200 training images"),
    "labelfree": labelfree,
    "procedural": rows("Trained on drawings alone"),
    "classify_bundled": classifier,
    "classify_speed": rows("Classifier: speed"),
    "classify": rows("Classifier beside base lines"),
    "classify_few_labels_pbc": rows("Ten labels per class"),
    "classify_few_labels_mnist": rows("MNIST, 100 labels"),
    "classify_rare_class": rows("A rare class with generated images"),
    "translate": seeds,
    "inpaint": seeds,
    "sequences": rows("Sequences"),
}

if __name__ == "__main__":
    main()
