"""cells.h5ad out: the cells of all images as AnnData, for scanpy and squidpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neubauer.cells.write.extras import need
from neubauer.cells.write.object_table import ObjectTable
from neubauer.images.write import atomic_path
from neubauer.version import __version__

ABOUT_A_CELL = ("label", "probability", "bbox-", "centroid-", "repaired")
"""Columns that begin so say which cell it is and where; the other numbers are measurements."""
BLOCK = 8192
"""Rows of a compressed block of the file."""


def need_anndata() -> None:
    """Raises InputError where h5py is not installed."""
    need("h5py", "--anndata", "tables")


def write_anndata(path: Path, table: ObjectTable) -> None:
    """Write the rows of objects.csv as an AnnData file (anndata, "On-disk format", 0.8 and later).

    `X` holds the measurements (float32), `obs` the image, its file, class, probability and where the cell is,
    `obsm["spatial"]` the centres as (x, y) in pixels, as squidpy has them. Cells are called `image:label`.

    It is written by h5py and not by anndata, which would hold the whole table in memory and binds the version of
    pandas; a part at a time needs no more memory than `CHUNK` rows.

    Raises
    ------
    InputError : h5py is not installed.
    OutputError : the file cannot be written.
    """
    need_anndata()
    import h5py

    numbers = [name for name, kind in table.kinds.items() if kind != "text"]
    measured = [name for name in numbers if not name.startswith(ABOUT_A_CELL)]
    about = [name for name in table.kinds if name not in measured]
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        _encoding(file, "anndata", "0.1.0")
        x = _array(file, "X", (table.rows, len(measured)), np.float32)
        obs = _frame(file, "obs", about)
        index = _strings(obs, "_index", table.rows)
        columns = {name: _column(obs, name, table) for name in about}
        _strings(_frame(file, "var", []), "_index", len(measured))[:] = measured
        for name in ("obsm", "varm", "obsp", "varp", "layers", "uns"):
            _encoding(file.create_group(name), "dict", "0.1.0")
        spatial = _array(file["obsm"], "spatial", (table.rows, 2), np.float64)
        _text(file["uns"], "made_by", f"neubauer {__version__}")
        start = 0
        for chunk in table.chunks():
            rows = slice(start, start + len(chunk))
            x[rows] = chunk[measured].to_numpy(np.float32)
            spatial[rows] = chunk[["centroid-1", "centroid-0"]].to_numpy(np.float64)
            index[rows] = [f"{image}:{label}" for image, label in zip(chunk["image"], chunk["label"], strict=True)]
            for name, column in columns.items():
                column[rows] = _codes(chunk[name])
            start = rows.stop


def _codes(values: pd.Series) -> np.ndarray:
    return values.cat.codes.to_numpy() if isinstance(values.dtype, pd.CategoricalDtype) else values.to_numpy()


def _column(obs: Any, name: str, table: ObjectTable) -> Any:
    """The dataset that a column of `obs` is written to: of names, their numbers."""
    if table.kinds[name] != "text":
        return _array(obs, name, (table.rows,), np.int64 if table.kinds[name] == "whole" else np.float64)
    group = obs.create_group(name)
    _encoding(group, "categorical", "0.2.0")
    group.attrs["ordered"] = False
    values = table.values[name]
    _strings(group, "categories", len(values))[:] = values
    return _array(group, "codes", (table.rows,), pd.Categorical([], values).codes.dtype)


def _frame(file: Any, name: str, columns: Sequence[str]) -> Any:
    group = file.create_group(name)
    _encoding(group, "dataframe", "0.2.0")
    group.attrs["_index"] = "_index"
    group.attrs.create("column-order", list(columns), dtype=_string_type() if columns else np.float64)
    return group


def _array(group: Any, name: str, shape: tuple[int, ...], dtype: Any) -> Any:
    blocks: Mapping[str, Any] = (
        {"chunks": (min(BLOCK, shape[0]), *shape[1:]), "compression": "gzip", "shuffle": True} if min(shape) else {}
    )
    return _encoding(group.create_dataset(name, shape, dtype, **blocks), "array", "0.2.0")


def _strings(group: Any, name: str, length: int) -> Any:
    return _encoding(group.create_dataset(name, (length,), _string_type()), "string-array", "0.2.0")


def _text(group: Any, name: str, value: str) -> None:
    _encoding(group.create_dataset(name, data=value, dtype=_string_type()), "string", "0.2.0")


def _string_type() -> Any:
    import h5py

    return h5py.string_dtype("utf-8")


def _encoding(thing: Any, kind: str, version: str) -> Any:
    thing.attrs["encoding-type"] = kind
    thing.attrs["encoding-version"] = version
    return thing
