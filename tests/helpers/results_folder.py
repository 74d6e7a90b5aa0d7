"""A folder as `neubauer count` leaves it, of numbers that the test makes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from neubauer.models.counter.interval import LEVEL

Z90 = 1.6448536269514722
assert LEVEL == 0.9


def write_results(
    folder: Path,
    images: Mapping[str, Mapping[str, float]],
    samples: Mapping[str, Mapping[str, str]] | None = None,
    *,
    files: Mapping[str, str] | None = None,
    failed: Sequence[str] = (),
    model: str = "m",
) -> Path:
    """Counts of images by class, with the standard error `error` (0) or the ends `CLASS_low`, `CLASS_high`."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for name, given in images.items():
        classes = [k for k in given if k not in ("error", "flag", "diameter") and not k.endswith(("_low", "_high"))]
        half = Z90 * given.get("error", 0.0)
        counts = {c: given[c] for c in classes} | {"total": sum(given[c] for c in classes)}
        row: dict[str, object] = {"image": name}
        for c, count in counts.items():
            row |= {c: count, f"{c}_low": given.get(f"{c}_low", count - half)}
            row[f"{c}_high"] = given.get(f"{c}_high", count + half)
        rows.append(row | {"flag": given.get("flag", ""), "diameter": given.get("diameter", 20.0)})
    pd.DataFrame(rows).to_csv(folder / "counts.csv", index=False)
    files = files or {}
    entries = {n: {"file": files.get(n, f"/data/{n}.tif")} for n in [*images, *failed]}
    settings = {"neubauer": "0.1.0", "verb": "count", "model": model, "model_sha256": model}
    (folder / "run.json").write_text(json.dumps(settings | {"images": entries, "sessions": []}))
    if samples is not None:
        table = [{"image": name} | dict(columns) for name, columns in samples.items()]
        pd.DataFrame(table).to_csv(folder / "samples.csv", index=False)
    return folder


def nested(
    rng: np.random.Generator,
    means: Mapping[str, float],
    n: int,
    images: int,
    between: float,
    within: float,
    error: float,
    pairs: float = 0.0,
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, str]]]:
    """Images nested in samples: (counts, samples) for `write_results`.

    Normal numbers: a mean for each condition, a deviation for each sample (sd `between`) and image (`within`), and what
    the counter adds (`error`, which it knows); `pairs` is the sd of what samples of one number have in common.
    """
    counts, of = {}, {}
    common = rng.normal(0, pairs, n) if pairs else np.zeros(n)
    for condition, mean in means.items():
        for s in range(n):
            level = mean + common[s] + rng.normal(0, between)
            for i in range(images):
                name = f"{condition}_{s}_{i}"
                counts[name] = {"cell": level + rng.normal(0, within) + rng.normal(0, error), "error": error}
                of[name] = {"condition": condition, "sample": f"{condition}{s}", "patient": f"p{s}"}
    return counts, of
