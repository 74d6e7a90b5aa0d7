"""Files, folders, globs and tables that list images."""

from __future__ import annotations

from pathlib import Path

import pytest

from neubauer.errors import InputError
from neubauer.runs.events import Event, Note
from neubauer.runs.file_names import file_row, with_file_names
from neubauer.runs.inputs import find_items


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in (
        "a.tif",
        "b.tif",
        "b_masks.tif",
        "inner/c.tif",
        "inner/deeper/a.tif",
        "notes/read.me",
        ".hidden/h.tif",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("")
    return tmp_path


def found(*inputs: Path, **options: bool) -> tuple[list[str], list[str]]:
    events: list[Event] = []
    items = find_items(list(inputs), on_event=events.append, **options)
    return [item.name for item in items], [event.text for event in events if isinstance(event, Note)]


def test_sub_folders_that_are_left_out_are_told(tree: Path) -> None:
    names, notes = found(tree)
    assert names == ["a", "b", "b_masks"]
    (note,) = notes
    assert "1 sub-folder (inner)" in note
    assert "--recursive" in note
    assert found(tree.parent / f"{tree.name}*")[1] == notes, "through a glob, too"


def test_recursive(tree: Path) -> None:
    names, notes = found(tree, recursive=True)
    assert sorted(names) == sorted(["b", "b_masks", "c", f"{tree.name}_a", "deeper_a"])
    assert not notes


def test_annotations_are_left_out_unless_named(tree: Path) -> None:
    names, notes = found(tree, recursive=True, leave_annotations=True)
    assert "b_masks" not in names
    assert "1 file (b_masks.tif)" in notes[0]
    assert "b_masks" in found(tree / "b_masks.tif", tree, recursive=True, leave_annotations=True)[0]


def test_a_table_lists_images(tree: Path) -> None:
    table = tree / "inner" / "list.csv"
    table.write_text("patient,image\n1,c.tif\n2,../a.tif\n3,\n4,gone.tif\n")
    assert found(table)[0] == ["c", "a", "gone"], "a file that is gone fails alone, later"
    for text, what in (("name\nc.tif\n", "the columns name"), ("image\n\n", "no image")):
        table.write_text(text)
        with pytest.raises(InputError, match=what):
            find_items([table])


def test_files_are_named_by_the_input_folder(tree: Path) -> None:
    def names(*inputs: Path, recursive: bool = True) -> list[str]:
        return [row["file"] for row in with_file_names([file_row(i) for i in find_items(inputs, recursive=recursive)])]

    assert names(tree / "inner") == ["c.tif", "deeper/a.tif"]
    assert names(tree / "inner", tree / "a.tif") == ["inner/c.tif", "inner/deeper/a.tif", "a.tif"]
    assert names(tree / "inner" / "deeper" / "a.tif") == ["a.tif"]
    assert names(tree / "inner" / "*", recursive=False) == ["c.tif", "deeper/a.tif"]
    first, second = ([file_row(i) for i in find_items(tree / f)] for f in ("inner", "inner/deeper"))
    joined = with_file_names(first + second)
    assert [row["file"] for row in joined] == ["c.tif", "deeper/a.tif"], "in two calls as in one"
    assert all("folder" not in row for row in joined)
    assert with_file_names([{"file": "/x/a.tif", "folder": "/y"}]) == [{"file": "/x/a.tif"}]
