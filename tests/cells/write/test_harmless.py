"""No cell of a table is a formula; what is read back is what was written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from neubauer.cells.read.marks import read_marks
from neubauer.cells.table import Cells
from neubauer.cells.write.harmless import as_it_was, harmless, harmless_table
from neubauer.cells.write.tables import join_objects, read_counts, save_objects, write_counts


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_formulas_become_text(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert as_it_was(f"'{text}") == text


@pytest.mark.parametrize("value", ["a=1", "", " x", "'quoted", "1-2", -1.5, -3, None, np.float64(-2)])
def test_all_else_stays(value: object) -> None:
    assert harmless(value) is value
    assert as_it_was("'quoted") == "'quoted"


def test_tables(tmp_path: Path) -> None:
    table = pd.DataFrame({"image": ["=1", "b"], "-2+cmd": [-1.5, 2.0], "n": np.array([1, -2]), "x": ["+", None]})
    written = harmless_table(table)
    assert list(written.columns) == ["image", "'-2+cmd", "n", "x"]
    assert written["image"].tolist() == ["'=1", "b"]
    assert written["'-2+cmd"].tolist() == [-1.5, 2.0]
    assert written["n"].dtype.kind == "i"
    assert table["image"].tolist() == ["=1", "b"]


def test_counts_and_objects(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"label": [1], "class": ["+"], "probability": [0.5], "centroid-0": [3.0], "centroid-1": [-0.5]}
    )
    cells = Cells(table.assign(image="=1+1"), ("+",), "=1+1", (10, 10))
    write_counts(tmp_path / "counts.csv", [cells], ("+",))
    assert (tmp_path / "counts.csv").read_text().startswith("image,'+,'+_low,'+_high,total,")
    assert read_counts(tmp_path / "counts.csv")[["image", "+"]].to_numpy().tolist() == [["=1+1", 1]]
    save_objects(tmp_path / "a.csv", cells.table)
    save_objects(tmp_path / "b.csv", cells.table.assign(more=1))
    join_objects(tmp_path / "objects.csv", [tmp_path / "a.csv", tmp_path / "b.csv"])
    joined = pd.read_csv(tmp_path / "objects.csv")
    assert joined["image"].tolist() == ["'=1+1"] * 2
    assert joined["centroid-1"].tolist() == [-0.5] * 2
    assert read_marks(tmp_path / "objects.csv", "points", (10, 10)).classes == ("+",)
