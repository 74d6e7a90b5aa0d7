"""The parts of a run's tables: what is kept beside the rows of an image, and what is not."""

import numpy as np
import pandas as pd
import pytest

from neubauer.cells.measure import measure
from neubauer.cells.table import Cells
from neubauer.cells.write.parts import TableParts


def cells_of(image):
    table = measure(np.eye(4, dtype=np.int32)[:, :3])
    return Cells(table.assign(image=image, probability=0.5, **{"class": "cell"}), ("cell",), image, (4, 3))


@pytest.fixture
def parts(tmp_path):
    return TableParts(tmp_path, ["cell"])


def failures(parts):
    file = parts.out / "failed.csv"
    return dict(pd.read_csv(file).to_numpy()) if file.exists() else None


def test_records_are_kept_with_the_parts(parts):
    parts.add(cells_of("a/b"), {"size": 3})
    assert parts.record("a/b") == {"size": 3}
    assert parts.recorded() == {"a/b"}
    assert parts.record("c") == {}
    parts.drop("a/b")
    assert parts.done() == parts.recorded() == set()
    assert list(parts.folder.iterdir()) == []


@pytest.mark.parametrize("content", ["", "[1]", "{", "\udcff"])
def test_a_record_that_cannot_be_read_is_none(parts, content):
    parts.add(cells_of("a"), {"size": 3})
    (parts.folder / "a_image.json").write_bytes(content.encode(errors="surrogateescape"))
    assert parts.record("a") == {}
    parts.merge()


@pytest.mark.parametrize("content", [b"", b"image,cell", b"\0" * 80, b"\xff\xfe"])
def test_a_damaged_part_is_not_done(parts, content):
    parts.add(cells_of("a"))
    parts.add(cells_of("b"))
    (parts.folder / "b_counts.csv").write_bytes(content)
    assert parts.done() == {"a"}
    assert parts.merge() == ["a"]


def test_failures_last_until_the_image_is_done(parts):
    parts.fail("a", "too dark")
    parts.fail("b\udcff", "a name that is no text: b\udcff")
    parts.merge()
    assert failures(parts) == {"a": "too dark", "b?": "a name that is no text: b?"}
    parts.drop("b\udcff")
    parts.add(cells_of("a"))
    parts.merge()
    assert failures(parts) is None


def test_what_is_left_out_stays_stored(parts):
    for name in "abc":
        parts.add(cells_of(name))
    parts.fail("d", "too dark")
    assert parts.merge(["c"], leave_out=["a", "d"]) == ["c", "b"]
    assert pd.read_csv(parts.out / "counts.csv")["image"].tolist() == ["c", "b"]
    assert pd.read_csv(parts.out / "objects.csv")["image"].tolist() == ["c", "b"]
    assert failures(parts) is None
    assert parts.merge() == ["a", "b", "c"]
