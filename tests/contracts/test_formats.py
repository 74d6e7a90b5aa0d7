"""What every output format promises."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from neubauer.cells.measure import measure
from neubauer.cells.table import Cells
from neubauer.cells.write.formats import FORMATS
from neubauer.errors import InputError
from neubauer.images.read import from_array

CLASSES = ("RBC", "WBC")


def cells_of(n: int) -> Cells:
    """Squares in a row, of two classes in turn."""
    labels = np.zeros((60, 90), np.int32)
    for i in range(n):
        labels[10:20, 5 + 15 * i : 15 + 15 * i] = i + 1
    table = measure(labels)
    table.insert(0, "image", "a")
    table.insert(2, "class", [CLASSES[i % 2] for i in range(n)])
    table.insert(3, "probability", 0.9)
    return Cells(table, CLASSES, "a", (60, 90), labels, (0.5, 0.5))


def written(name: str, folder: Path, n: int) -> dict[str, bytes]:
    """All files that a format makes for one image."""
    kind, cells = FORMATS[name], cells_of(n)
    file = folder / kind.file.format(cells.image)
    file.parent.mkdir(parents=True)
    kind.write(file, cells, from_array(np.full((1, 60, 90), 100, np.uint8)), Path("images/a.tif"))
    assert file.is_file()
    if kind.merge is not None:
        kind.merge(folder, [file], CLASSES)
    assert all((folder / shared).is_file() for shared in kind.common)
    assert len(list(folder.rglob("*.*"))) == 1 + len(kind.common), "nothing else, no temporary file"
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("n", [0, 4])
def test_same_cells_same_bytes(name: str, n: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = written(name, tmp_path / "first", n)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 12345)
    time.sleep(0.01)
    assert written(name, tmp_path / "second", n) == first


@pytest.mark.parametrize("name", FORMATS)
def test_centres_alone_are_written_or_refused(name: str, tmp_path: Path) -> None:
    """As a whole, and the file or the image is named."""
    kind, cells = FORMATS[name], cells_of(4)
    cells = replace(cells, table=cells.table.drop(columns=[f"bbox-{i}" for i in range(4)]), labels=None)
    file = tmp_path / kind.file.format(cells.image)
    file.parent.mkdir(exist_ok=True)
    where = None
    try:
        kind.write(file, cells, from_array(np.full((1, 60, 90), 100, np.uint8)), Path("images/a.tif"))
    except InputError as error:
        where = error.where
    assert where in (None, cells.image, str(file))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == ([file] if where is None else [])


@pytest.mark.parametrize("name", FORMATS)
def test_names_tell_images_apart(name: str) -> None:
    assert FORMATS[name].file.count("{}") == 1
    assert bool(FORMATS[name].common) == (FORMATS[name].merge is not None)
