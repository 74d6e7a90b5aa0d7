"""What a report shows of an image at a glance: two small pictures and how it was taken. Made when it is counted, so
that no image has to be read again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from neubauer.cells.draw.thumbnail import write_thumbnails
from neubauer.cells.table import Cells
from neubauer.cells.write.harmless import harmless_table
from neubauer.images.quality import MEASURES, measure_quality
from neubauer.images.source import ImageSource
from neubauer.runs.store import PARTS, file_name

QUALITY = "quality.csv"
DIGITS = 5


def glance_files(name: str) -> list[str]:
    """The pictures of an image of this name, without and with its cells, relative to the folder of results."""
    return [f"{PARTS}/{file_name(name)}_{kind}.webp" for kind in ("plain", "cells")]


def write_glance(folder: Path, name: str, image: ImageSource, cells: Cells) -> dict[str, Any]:
    """Write the pictures of an image; returns what its row keeps of its quality."""
    plain, outlined = (folder / file for file in glance_files(name))
    write_thumbnails(plain, outlined, image, cells)
    return {"quality": {key: _rounded(value) for key, value in measure_quality(image).items()}}


def write_quality(path: Path, rows: Mapping[str, Mapping[str, Any]]) -> None:
    """Write quality.csv: one row for each image that was looked at; no file where none was."""
    found = [{"image": name} | row["quality"] for name, row in rows.items() if "quality" in row]
    if found:
        harmless_table(pd.DataFrame(found, columns=["image", *MEASURES])).to_csv(path, index=False)


def _rounded(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
