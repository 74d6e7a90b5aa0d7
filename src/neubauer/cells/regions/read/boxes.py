"""Regions from a table of boxes."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from neubauer.cells.read.text import read_text
from neubauer.cells.regions.regions import Region
from neubauer.cells.write.harmless import as_it_was
from neubauer.errors import InputError
from neubauer.images.stem import stem

SIDES = ["y0", "x0", "y1", "x1"]
EXPECTED = "a table with the columns region, y0, x0, y1, x1 (pixels, half-open), and maybe image and class"


def read_boxes(path: Path, image: str | Path) -> tuple[list[Region], list[str]]:
    """The boxes of an image: all rows, or those that its name (with or without suffix) stands in the column `image` of.

    Separated by comma, semicolon or tab. The box covers the pixels `y0 <= y < y1`, `x0 <= x < x1`.

    Raises
    ------
    InputError : not such a table, broken numbers, or no row for this image.
    """
    text = read_text(path, EXPECTED)
    try:
        table = pd.read_csv(StringIO(text), sep=None, engine="python", dtype=str, keep_default_na=False)
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(path, f"no table ({error})", EXPECTED) from error
    table.columns = [str(c).strip().lower() for c in table.columns]
    if not {"region", *SIDES} <= set(table.columns):
        raise InputError(path, f"the columns {', '.join(table.columns) or '(none)'}", EXPECTED)
    if "image" in table:
        names = {Path(image).name, stem(image)}
        table = table[[as_it_was(name.strip()) in names or stem(name.strip()) in names for name in table["image"]]]
    if table.empty:
        raise InputError(path, f"no row for {Path(image).name}", "at least one region for each image")
    sides = table[SIDES].apply(pd.to_numeric, errors="coerce").to_numpy(float)
    bad = ~np.isfinite(sides).all(1) | (sides[:, 2] < sides[:, 0]) | (sides[:, 3] < sides[:, 1])
    if bad.any():
        first = table.iloc[int(bad.argmax())]
        found = ", ".join(f"{side}={first[side]!r}" for side in SIDES)
        raise InputError(path, f"row {first.name + 2}: {found}", "numbers with y0 < y1 and x0 < x1")
    kinds = table["class"] if "class" in table else [""] * len(table)
    regions = [
        Region(as_it_was(name), shapely.box(x0, y0, x1, y1), as_it_was(kind))
        for name, kind, (y0, x0, y1, x1) in zip(table["region"], kinds, sides, strict=True)
    ]
    return regions, []
