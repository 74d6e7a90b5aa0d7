"""objects.csv as typed columns, a part at a time: what other tables of the cells are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

CHUNK = 100_000
"""Rows that are in memory at a time."""
TEXTS = ("image", "class", "region", "file")
"""Columns whose values are names, though they may look like numbers."""

Kind = Literal["text", "whole", "real"]


@dataclass(frozen=True)
class ObjectTable:
    """The rows of objects.csv.

    Attributes
    ----------
    path : the file.
    kinds : of each column, in order: names, whole numbers (int64) or real ones (float64, NaN where nothing is).
    values : all values of each column of names, in the order in which they come; `file` among them.
    rows : how many.
    files : the file of each image, for a column `file` after `image`; empty: no such column.
    """

    path: Path
    kinds: dict[str, Kind]
    values: dict[str, list[str]]
    rows: int
    files: Mapping[str, str]

    def chunks(self) -> Iterator[pd.DataFrame]:
        """The rows in order, at most `CHUNK` at a time, with categories for names; none where there is no row."""
        dtypes = {"text": str, "whole": np.int64, "real": np.float64}
        read = {name: dtypes[kind] for name, kind in self.kinds.items() if not (name == "file" and self.files)}
        for chunk in _read(self.path, read):
            if self.files:
                chunk.insert(list(chunk).index("image") + 1, "file", chunk["image"].map(self.files).fillna(""))
            for name, values in self.values.items():
                chunk[name] = pd.Categorical(chunk[name], values)
            yield chunk


def open_objects(path: Path, files: Mapping[str, str] | None = None) -> ObjectTable:
    """Look through objects.csv once: its columns, of what kind they are, and how many rows there are.

    Text that a spreadsheet would run keeps its apostrophe (`harmless`), so that names are the same in all tables.

    Parameters
    ----------
    path : the file.
    files : as `ObjectTable.files`.
    """
    header = list(pd.read_csv(path, nrows=0).columns)
    kinds: dict[str, Kind] = {name: "text" if name in TEXTS else "whole" for name in header}
    rows = 0
    for chunk in _read(path, _texts(kinds)):
        rows += len(chunk)
        kinds = {name: kind if kind == "text" else _wider(kind, chunk[name]) for name, kind in kinds.items()}
    values: dict[str, dict[str, None]] = {name: {} for name in _texts(kinds)}
    for chunk in _read(path, _texts(kinds), list(values)):
        for name in values:
            values[name].update(dict.fromkeys(chunk[name]))
    if not rows:
        kinds = {name: kind if kind == "text" or name == "label" else "real" for name, kind in kinds.items()}
    known = dict(files or {})
    if known and "file" not in kinds:
        place = header.index("image") + 1
        kinds = dict([*list(kinds.items())[:place], ("file", "text"), *list(kinds.items())[place:]])
        values["file"] = dict.fromkeys(known.get(image, "") for image in values["image"])
    else:
        known = {}
    return ObjectTable(path, kinds, {name: list(found) for name, found in values.items()}, rows, known)


def _wider(kind: Kind, column: pd.Series) -> Kind:
    """The kind that holds what a column had before, and these values."""
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return "text"
    return kind if pd.api.types.is_integer_dtype(column) else "real"


def _texts(kinds: Mapping[str, Kind]) -> dict[str, type]:
    return {name: str for name, kind in kinds.items() if kind == "text"}


def _read(path: Path, dtypes: Mapping[str, type], columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """Names as they are, also those that look like nothing (`NA`); elsewhere an empty cell is NaN."""
    header = list(pd.read_csv(path, nrows=0).columns)
    nothing = {name: [""] for name in header if dtypes.get(name) is not str}
    with pd.read_csv(
        path, dtype=dict(dtypes), usecols=columns, keep_default_na=False, na_values=nothing, chunksize=CHUNK
    ) as reader:
        for chunk in reader:
            if len(chunk):
                yield chunk
