"""regions.csv: a row for each region of an image, and one for each class of regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neubauer.cells.regions.raster import mask_of
from neubauer.cells.regions.regions import Region
from neubauer.cells.table import Cells, CountEstimate
from neubauer.cells.write.harmless import harmless_table
from neubauer.errors import InputError
from neubauer.images.source import ImageSource

HEAD = ["image", "level", "region", "region_class", "parent", "regions"]
MEASURES = ["area_px", "area_mm2", "area_share"]
ENDS = ("", "_low", "_high")
PER_MM2, PER_MILLION = "_per_mm2", "_per_million_px"
ROWS = 1024
"""Rows of an image looked at together."""


def regions_columns(classes: Sequence[str]) -> list[str]:
    """Columns of regions.csv.

    Raises
    ------
    InputError : a class of cells has the name of another column.
    """
    names = [*classes, "total"]
    counts = [f"{name}{end}" for name in names for end in ENDS]
    densities = [f"{name}{unit}{end}" for unit in (PER_MM2, PER_MILLION) for name in names for end in ENDS]
    columns = [*HEAD, *counts, *MEASURES, *densities]
    if len(set(columns)) < len(columns):
        found = ", ".join(classes)
        raise InputError("classes", found, "names that differ from each other and the columns of regions.csv")
    return columns


def regions_table(cells: Cells, image: ImageSource | None = None) -> pd.DataFrame:
    """A row for each region (`level` is "region"), and one for each class of regions ("class"), of one image.

    `parent` is the smallest region that a region lies in; a cell in both is in the counts of both. A row of a class is
    of all its regions as one: where they overlap, cells and area count once. `regions` is how many they are.

    `area_px` is in pixels, without those that the image misses; `area_mm2` is empty where the pixel size is not known;
    `area_share` is that of the image. Densities and the ends of their intervals are those of the counts, divided by the
    area: per mm², or, where no pixel size is known, per 10⁶ pixels. Without area there is none.

    Parameters
    ----------
    cells : with regions, from `CellCounter.predict(regions=...)` or `count_regions`.
    image : the image, to leave out of the areas where its pixels are missing.

    Raises
    ------
    InputError : the cells have no regions, or a class of cells has the name of a column.
    """
    if cells.regions is None:
        raise InputError(cells.image, "cells that were counted without regions", "CellCounter.predict(regions=...)")
    columns = regions_columns(cells.classes)
    regions = cells.regions
    parents = ["" if i is None else regions.regions[i].name for i in regions.parents] + [""] * len(regions.pools)
    members = regions.members(cells.table[["centroid-0", "centroid-1"]].to_numpy())
    whole = cells.shape[0] * cells.shape[1]
    rows = []
    for i, (part, parent) in enumerate(zip(regions.parts, parents, strict=True)):
        pooled = i >= len(regions)
        number = sum(region.kind == part.kind for region in regions.regions) if pooled else 1
        area = part.area.area - (_missing(part, image) if image is not None else 0)
        row: dict[str, object] = {"image": cells.image, "level": "class" if pooled else "region", "region": part.name}
        row |= {"region_class": part.kind, "parent": parent, "regions": number}
        row |= {"area_px": round(area, 2), "area_mm2": None, "area_share": round(area / whole, 6)}
        per, unit = area / 1e6, PER_MILLION
        if cells.pixel_size_um is not None:
            per, unit = area * cells.pixel_size_um[0] * cells.pixel_size_um[1] / 1e6, PER_MM2
            row["area_mm2"] = float(f"{per:.6g}")
        for name, (count, low, high) in _counts(cells, i, members[:, i]).items():
            row |= dict(zip((f"{name}{end}" for end in ENDS), (count, low, high), strict=True))
            if per > 0:
                found = (None if value is None else float(f"{value / per:.6g}") for value in (count, low, high))
                row |= dict(zip((f"{name}{unit}{end}" for end in ENDS), found, strict=True))
        rows.append(row)
    return pd.DataFrame(rows, columns=columns, dtype=object)


def write_regions(path: Path, parts: Sequence[Path], classes: Sequence[str]) -> None:
    """Make regions.csv of the tables of single images: without the densities in a unit that no row has, and without
    `area_mm2` where no pixel size is known."""
    columns = regions_columns(classes)
    tables = [pd.read_csv(part, dtype=str, keep_default_na=False) for part in parts]
    table = pd.concat([pd.DataFrame(columns=columns), *tables])
    units = [
        [c for c in columns if any(c == f"{name}{unit}{end}" for name in (*classes, "total") for end in ENDS)]
        for unit in (PER_MM2, PER_MILLION)
    ]
    for own in (*units, ["area_mm2"]):
        if len(table) and (table[own] == "").all(axis=None):
            table = table.drop(columns=own)
    harmless_table(table).to_csv(path, index=False)


def _counts(cells: Cells, i: int, inside: np.ndarray) -> dict[str, tuple[Any, ...]]:
    """Count and interval per class and in total, as in counts.csv."""
    estimates: dict[str, CountEstimate] = cells.region_estimates[i] if cells.region_estimates else {}
    found = cells.table.loc[inside, "class"].value_counts()
    counts: dict[str, tuple[Any, ...]] = {}
    total = 0
    for name in cells.classes:
        number = round(estimates[name].count) if name in estimates else int(found.get(name, 0))
        counts[name] = estimates[name].rounded() if name in estimates else (number, None, None)
        total += number
    return counts | {"total": estimates["total"].rounded() if "total" in estimates else (total, None, None)}


def _missing(part: Region, image: ImageSource) -> int:
    """Number of missing pixels whose middle lies in a part of the image."""
    if not image.can_miss or not part.area.area:
        return 0
    x0, y0, x1, y1 = part.area.bounds
    left, right = max(0, int(x0)), min(image.shape[2], int(np.ceil(x1)))
    top, bottom = max(0, int(y0)), min(image.shape[1], int(np.ceil(y1)))
    x, number = np.arange(left, right), 0
    for y0 in range(top, bottom, ROWS):
        y = np.arange(y0, min(y0 + ROWS, bottom))
        missing = image.missing(y0, y0 + len(y), left, right)
        number += int((missing & mask_of(part.area, y + 0.5, x + 0.5)).sum())
    return number
