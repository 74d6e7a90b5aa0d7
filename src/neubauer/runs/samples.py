"""What sample each image of a run is of, kept with its results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from neubauer.cells.write.harmless import harmless_table

SAMPLES = "samples.csv"
KEY = "sample"
"""Of the entry of an image in run.json: its columns by name."""


def write_samples(path: Path, images: Mapping[str, Mapping[str, Any]]) -> None:
    """Write `samples.csv`: `image`, and the columns of each image of `run.json` that has some."""
    rows = [{"image": name} | dict(entry[KEY]) for name, entry in images.items() if entry.get(KEY)]
    harmless_table(pd.DataFrame(rows, dtype=object).fillna("")).to_csv(path, index=False)
