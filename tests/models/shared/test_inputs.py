"""Annotation files for a training: a bad one is named and skipped, and all are named where none is good."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

from neubauer.cells.annotation import Kind
from neubauer.errors import InputError
from neubauer.images.write import write_image
from neubauer.models.shared.inputs import collect

BOX = "<object><name>{}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></object>"
GOOD: dict[Kind, tuple[str, str]] = {
    "boxes": (".xml", f"<annotation>{BOX}</annotation>"),
    "points": (".csv", "y,x,class\n3,4,{}\n"),
}
BAD: dict[Kind, list[str]] = {
    "boxes": ["", "<html/>", "<annotation><size><width>inf</width></size></annotation>"],
    "points": ["", "a,b\n1,2\n", "y,x\n1,nan\n"],
}


@pytest.fixture
def images(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    for i in range(5):
        write_image(tmp_path / "images" / f"{i}.png", np.full((1, 20, 30), i, np.uint8))
    (tmp_path / "marks").mkdir()
    return tmp_path / "images"


def write_marks(folder: Path, kind: Kind, good: list[str], bad: list[str]) -> None:
    """Files 0, 1 ... of one cell each of the classes `good`, then files of the texts `bad`."""
    suffix, text = GOOD[kind]
    for i, content in enumerate([text.format(name) for name in good] + bad):
        (folder / f"{i}{suffix}").write_text(content)


@pytest.mark.parametrize("kind", ["boxes", "points"])
def test_bad_files_are_skipped_with_a_warning_each(images: Path, kind: Kind) -> None:
    marks = images.parent / "marks"
    write_marks(marks, kind, ["WBC", "RBC"], BAD[kind])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pairs = collect(images, {kind: marks})
    assert [p.source.name for p in pairs] == ["0", "1"]
    assert pairs[0].annotation.classes == ("RBC", "WBC")
    messages = [str(w.message) for w in caught]
    assert [m.split(": found")[0] for m in messages] == [
        f"not used: {marks / f'{i}{GOOD[kind][0]}'}" for i in (2, 3, 4)
    ]
    assert not any("\n" in m for m in messages)


@pytest.mark.parametrize("kind", ["boxes", "points"])
def test_bad_files_can_be_asked_for(images: Path, kind: Kind) -> None:
    marks = images.parent / "marks"
    write_marks(marks, kind, ["WBC", "RBC"], BAD[kind])
    failed: dict[str, str] = {}
    assert len(collect(images, {kind: marks}, failed=failed)) == 2
    assert list(failed) == ["2.png", "3.png", "4.png"]


@pytest.mark.parametrize("classes", [None, ["RBC", "WBC"]])
@pytest.mark.parametrize("kind", ["boxes", "points"])
def test_where_no_file_can_be_used_all_are_named(images: Path, kind: Kind, classes: list[str] | None) -> None:
    marks = images.parent / "marks"
    write_marks(marks, kind, [], [*BAD[kind], *BAD[kind][:2]])
    with pytest.raises(InputError) as error:
        collect(images, {kind: marks}, classes)
    assert all(str(marks / f"{i}{GOOD[kind][0]}") in str(error.value) for i in range(5))
    assert "\n" not in str(error.value)


def test_one_reason_for_all_files_is_told_once(images: Path) -> None:
    marks = images.parent / "marks"
    write_marks(marks, "boxes", [], ["<html/>"] * 5)
    files = ", ".join(str(marks / f"{i}.xml") for i in range(5))
    with pytest.raises(InputError, match=f"^{files}: found XML of <html>; expected .*Pascal VOC XML") as error:
        collect(images, {"boxes": marks})
    assert str(error.value).count("expected") == 1


@pytest.mark.parametrize("kind", ["boxes", "points"])
def test_a_class_may_be_called_cell(images: Path, kind: Kind) -> None:
    marks = images.parent / "marks"
    write_marks(marks, kind, ["cell", "debris"], [])
    pairs = collect([images / "0.png", images / "1.png"], {kind: marks})
    assert [p.annotation.counts() for p in pairs] == [{"cell": 1, "debris": 0}, {"cell": 0, "debris": 1}]
