"""Tables of points in: one file per image, a row per cell."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from textwrap import shorten

import numpy as np
import pandas as pd

from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.shapes import Drawn, point
from neubauer.cells.read.values import shown
from neubauer.cells.write.harmless import as_it_was
from neubauer.errors import InputError

TABLES = (".csv", ".tsv", ".txt")
_COLUMNS = (("y", "x"), ("axis-0", "axis-1"), ("centroid-0", "centroid-1"))
_EXPECTED = "a table with a header and the columns y,x or axis-0,axis-1 or centroid-0,centroid-1, and maybe class"


def read_table(content: Content) -> Drawn:
    """Read a table of points.

    It is separated by comma, semicolon or tab, and has the columns `y,x`, `axis-0,axis-1` (napari) or
    `centroid-0,centroid-1` (scikit-image), in pixels from the centre of the top left pixel, and optionally `class`;
    upper and lower case are the same, other columns are ignored.

    Raises
    ------
    InputError : columns are missing, or a coordinate is not a number.
    """
    centres, names = _rows(content.path, content.text)
    rows = zip(centres + 0.5, names, strict=True)
    return Drawn([point(f"row {i}", name, y, x) for i, ((y, x), name) in enumerate(rows, start=1)])


def _rows(path: Path, text: str) -> tuple[np.ndarray, list[str]]:
    """The `y, x` (N, 2) and the class names ("" where not given)."""
    header = text.split("\n", 1)[0]
    separator = max(",;\t", key=header.count)
    try:
        table = pd.read_csv(StringIO(text), sep=separator, dtype=str, keep_default_na=False, index_col=False)
    except ValueError as error:  # pandas' parser errors are ValueErrors, of several lines
        found = f"a file that cannot be read as a table: {shorten(str(error), 200)}"
        raise InputError(path, found, _EXPECTED) from error
    table.columns = [str(c).strip().lower() for c in table.columns]
    pair = next((p for p in _COLUMNS if set(p) <= set(table.columns)), None)
    if pair is None or table.columns.duplicated().any():
        raise InputError(path, f"the columns {shorten(', '.join(table.columns), 200)}", _EXPECTED)
    if {"axis-2", "centroid-2"} & set(table.columns):
        raise InputError(path, "points in three dimensions", _EXPECTED)

    columns = [pd.to_numeric(table[c].str.replace(",", "."), errors="coerce").to_numpy(np.float64) for c in pair]
    centres = np.stack(columns, axis=1)
    bad = np.flatnonzero(~np.isfinite(centres).all(axis=1))
    if len(bad):
        values = table.loc[bad[0], list(pair)].tolist()
        raise InputError(path, f"{pair[0]},{pair[1]} = {shown(','.join(values))} in row {bad[0] + 1}", "finite numbers")
    names = (
        [as_it_was(name) for name in table["class"].fillna("").str.strip()]
        if "class" in table.columns
        else [""] * len(table)
    )
    return centres, names


ANNOTATIONS.register("table")(
    AnnotationFormat(
        "a table of points",
        TABLES,
        lambda content: content.syntax == "text" and content.path.suffix.lower() in TABLES,
        lambda content, *_: read_table(content),
        last=True,
    )
)
