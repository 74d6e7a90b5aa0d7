"""Make docs/benchmarks.md from the results in benchmarks/results."""

from __future__ import annotations

import json
from collections.abc import Sequence
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


def seeds(result: dict[str, Any]) -> list[str]:
    """Several seeds of a detection or segmentation benchmark."""
    return [f"## {result['title']}", "", result["what"], "", *table(result["rows"])]


SECTIONS = {
    "count_points": points,
    "count_detection": seeds,
    "count_heads": heads,
    "bundled_nuclei-fluorescence": bundled,
    "bundled_nuclei-histology": bundled,
    "bundled_blood-smear": bundled,
    "count_speed": speed,
    "count_large": large,
    "cold_start": start,
}

if __name__ == "__main__":
    main()
