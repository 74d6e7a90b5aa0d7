"""Tables of the cells for other programs: typed, harmless, a part at a time, the same bytes for the same cells."""

from __future__ import annotations

import time
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

from neubauer.cells.write import excel, extras, object_table
from neubauer.cells.write.anndata import write_anndata
from neubauer.cells.write.excel import Sheet, write_excel
from neubauer.cells.write.object_table import open_objects
from neubauer.cells.write.parquet import write_parquet
from neubauer.errors import InputError

MADE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
HEAD = "image,label,class,probability,centroid-0,centroid-1,bbox-0,area,intensity_mean,kind"
ROWS = [
    "a,1,RBC,0.9,1.5,2.5,0,12,100.5,x",
    "a,2,WBC,0.8,3,4,1,13,,NA",
    "'=b,1,RBC,0.7,5,6,2,14,99,7",
    "007,1,RBC,,7,8,3,15.5,98,",
]
FILES = {"a": "day 1/a.tif", "'=b": "day 1/=b.png", "007": "007.tif"}


@pytest.fixture
def objects(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(object_table, "CHUNK", 3)
    (tmp_path / "objects.csv").write_text("\n".join([HEAD, *ROWS]) + "\n")
    return tmp_path / "objects.csv"


def test_columns_are_typed_by_all_rows(objects: Path) -> None:
    """`area` is real in the last row alone, which lies in the second part; names are no numbers and not missing."""
    table = open_objects(objects, FILES)
    assert list(table.kinds) == ["image", "file", *HEAD.split(",")[1:]]
    assert [table.kinds[name] for name in ("image", "label", "bbox-0", "area", "probability", "kind")] == [
        *("text", "whole", "whole", "real", "real", "text")
    ]
    assert table.rows == 4
    read = pd.concat([chunk.astype({"kind": str, "image": str}) for chunk in table.chunks()])
    assert [len(chunk) for chunk in table.chunks()] == [3, 1]
    assert read["image"].tolist() == ["a", "a", "'=b", "007"]
    assert read["kind"].tolist() == ["x", "NA", "7", ""]
    assert read["file"].tolist() == ["day 1/a.tif", "day 1/a.tif", "day 1/=b.png", "007.tif"]


def test_parquet(objects: Path, tmp_path: Path) -> None:
    write_parquet(tmp_path / "o.parquet", open_objects(objects, FILES))
    assert pq.ParquetFile(tmp_path / "o.parquet").num_row_groups == 2, "a part at a time"
    table = pd.read_parquet(tmp_path / "o.parquet")
    assert table["label"].dtype == np.int64
    assert table["area"].tolist() == [12, 13, 14, 15.5]
    assert table["intensity_mean"].isna().tolist() == [False, True, False, False]
    assert table["class"].astype(str).tolist() == ["RBC", "WBC", "RBC", "RBC"]


def test_anndata_by_its_specification(objects: Path, tmp_path: Path) -> None:
    write_anndata(tmp_path / "c.h5ad", open_objects(objects, FILES))
    with h5py.File(tmp_path / "c.h5ad") as file:
        assert dict(file.attrs) == {"encoding-type": "anndata", "encoding-version": "0.1.0"}
        assert set(file) == {"X", "obs", "var", "obsm", "varm", "obsp", "varp", "layers", "uns"}
        assert file["var/_index"].asstr()[:].tolist() == ["area", "intensity_mean"]
        np.testing.assert_array_equal(file["X"][:], np.float32([[12, 100.5], [13, np.nan], [14, 99], [15.5, 98]]))
        assert file["obsm/spatial"][:].tolist() == [[2.5, 1.5], [4, 3], [6, 5], [8, 7]], "(x, y)"
        assert file["obs/_index"].asstr()[:].tolist() == ["a:1", "a:2", "'=b:1", "007:1"]
        image = file["obs/image"]
        assert image.attrs["encoding-type"] == "categorical"
        assert image["categories"].asstr()[:][image["codes"][:]].tolist() == ["a", "a", "'=b", "007"]
        order = list(file["obs"].attrs["column-order"])
        assert {"class", "probability", "file", "kind", "label"} <= set(order)
        assert set(file["obs"]) == {*order, "_index"}


def test_anndata_reads_it(objects: Path, tmp_path: Path) -> None:
    anndata = pytest.importorskip("anndata")
    write_anndata(tmp_path / "c.h5ad", open_objects(objects, FILES))
    read = anndata.read_h5ad(tmp_path / "c.h5ad")
    assert read.shape == (4, 2)
    assert read.obs["class"].tolist() == ["RBC", "WBC", "RBC", "RBC"]


@pytest.mark.parametrize("rows", [[], ROWS])
def test_same_cells_same_bytes(rows: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "objects.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    made = []
    for n in range(2):
        table = open_objects(tmp_path / "objects.csv", FILES)
        write_parquet(tmp_path / f"{n}.parquet", table)
        write_anndata(tmp_path / f"{n}.h5ad", table)
        write_excel(tmp_path / f"{n}.xlsx", [Sheet("counts", ("image", "n"), [("a", 1)])], MADE)
        made.append([(tmp_path / f"{n}.{end}").read_bytes() for end in ("parquet", "h5ad", "xlsx")])
        now = time.time()
        monkeypatch.setattr(time, "time", lambda now=now: now + 12345)
        time.sleep(1.1)
    assert made[0] == made[1]


def test_excel_runs_no_formula_and_holds_any_name(tmp_path: Path) -> None:
    rows = [("=1+1", 3, 0.5), ("@x", -2, float("nan")), ("a\x07b", None, True), ("7", 1, 2)]
    names = write_excel(tmp_path / "r.xlsx", [Sheet("counts", ("image", "=n", "p"), rows)], MADE)
    assert names == ["counts"]
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    cells = [[cell.value for cell in row] for row in book["counts"].iter_rows()]
    assert cells == [
        ["image", "'=n", "p"], ["'=1+1", 3, 0.5], ["'@x", -2, None], ["a\ufffdb", None, True], ["7", 1, 2]
    ]  # fmt: skip
    assert {cell.data_type for row in book["counts"].iter_rows() for cell in row} <= {"s", "n", "b"}
    assert book.properties.created == book.properties.modified == MADE.replace(tzinfo=None)
    with zipfile.ZipFile(tmp_path / "r.xlsx") as archive:
        assert archive.testzip() is None


@pytest.mark.parametrize(("n", "sheets"), [(0, 1), (3, 1), (4, 2), (7, 3)])
def test_more_rows_than_a_sheet_holds_go_on_in_the_next(
    n: int, sheets: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excel, "LIMIT", 4)
    names = write_excel(tmp_path / "r.xlsx", [Sheet("objects", ("n",), ((i,) for i in range(n)))], MADE)
    assert names == ["objects", "objects 2", "objects 3"][:sheets]
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert all(book[name]["A1"].value == "n" for name in names)
    assert [row[0] for name in names for row in book[name].iter_rows(2, values_only=True)] == list(range(n))


def test_what_is_missing_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"--excel: found no library openpyxl; .*neubauer\[tables\]"):
        write_excel(tmp_path / "r.xlsx", [], MADE)
