"""Class folders, tables of labels, and what is wrong with them."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from drawn_cells import draw_cells, write_folders

from neubauer.cells.central import central_diameter, central_mask
from neubauer.cells.read.class_folders import from_class_folders, from_labels_csv
from neubauer.errors import InputError
from neubauer.models.classifier.crops import to_square
from neubauer.models.classifier.prepare import read_labelled, split


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folders(tmp_path / "cells", *draw_cells(12, seed=0))


def test_class_folders_give_each_file_its_class(folder: Path) -> None:
    found = from_class_folders(folder)
    assert len(found.files) == 12
    assert all(file.parent.name == name for file, name in zip(found.files, found.names, strict=True))


def test_labels_from_a_table(folder: Path) -> None:
    flat = folder.parent / "flat"
    flat.mkdir()
    files = sorted(folder.glob("*/*.png"))
    for file in files:
        shutil.copy(file, flat)
    lines = [f"{file.name},{file.parent.name},slide{i % 2}" for i, file in enumerate(files[:-1])]
    table = flat / "labels.csv"
    table.write_text("image,class,group\n" + "\n".join(lines) + "\n")
    with pytest.warns(UserWarning, match="1 images in .* have no label"):
        found = from_labels_csv(flat, table)
    assert found.names == tuple(file.parent.name for file in files[:-1])
    assert found.groups == tuple(f"slide{i % 2}" for i in range(11))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,class\na.png,round\n", "the columns file, class"),
        ("image,class\nnowhere.png,round\n", "line 2: nowhere.png"),
        ("image,class\nround/round-001.png,\n", "line 2 without image or class"),
        ("image,class\nround/round-001.png,a\nround/round-001.png,b\n", "several lines about round/round-001.png"),
    ],
)
def test_bad_tables_are_named(folder: Path, text: str, message: str) -> None:
    table = folder.parent / "labels.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=message):
        from_labels_csv(folder, table)


def test_one_class_is_refused(folder: Path) -> None:
    for name in ("granular", "small"):
        shutil.rmtree(folder / name)
    with pytest.raises(InputError, match=r"one class \(round\)"):
        read_labelled(folder)


def test_an_empty_class_is_named(folder: Path) -> None:
    (folder / "tiny").mkdir()
    with pytest.raises(InputError, match=r"tiny.*a folder without images"):
        read_labelled(folder)


def test_a_class_of_one_image_is_named(folder: Path) -> None:
    for file in sorted((folder / "small").iterdir())[1:]:
        file.unlink()
    with pytest.raises(InputError, match="1 image of the class small; expected at least 2"):
        read_labelled(folder)


def test_no_folder_and_no_class_folders(folder: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_labelled(folder / "nowhere")
    with pytest.raises(InputError, match="no sub-folders"):
        read_labelled(folder / "round")


def test_an_image_in_two_classes_is_named(folder: Path) -> None:
    shutil.copy(folder / "small/small-002.png", folder / "round/copy.png")
    with pytest.raises(InputError, match=r"copy \(round\) = small-002 \(small\)"):
        read_labelled(folder)


def test_an_image_twice_in_a_class_is_used_once(folder: Path) -> None:
    shutil.copy(folder / "small/small-002.png", folder / "small/copy.png")
    with pytest.warns(UserWarning, match="1 images occur twice"):
        assert len(read_labelled(folder).names) == 12


def test_a_corrupt_image_is_named_and_the_others_are_used(folder: Path) -> None:
    (folder / "round/broken.png").write_bytes(b"no image")
    with pytest.warns(UserWarning, match=r"left out: .*broken\.png"):
        assert len(read_labelled(folder).names) == 12


def test_a_class_of_which_nothing_can_be_read_is_an_error(folder: Path) -> None:
    shutil.rmtree(folder / "granular")
    for file in (folder / "round").iterdir():
        file.write_bytes(b"no image")
    with pytest.warns(UserWarning, match="left out"), pytest.raises(InputError, match=r"one class \(small\)"):
        read_labelled(folder)


def test_crops_of_very_different_size_are_named() -> None:
    images, names = draw_cells(6, seed=0)
    large = np.zeros((3, 200, 200), np.uint8)
    with pytest.raises(InputError, match=r"200 x 200 px, and 32 x 32 px"):
        read_labelled([*(i for i in images), large], [*names, "round"])


def test_other_channels_and_types_are_named() -> None:
    images, names = draw_cells(6, seed=0)
    given = list(images)
    for odd, what in ((given[0][:1], "1 channels, uint8"), (given[0].astype(np.uint16), "3 channels, uint16")):
        with pytest.raises(InputError, match=what):
            read_labelled([*given, odd], [*names, "round"])


def test_labels_have_to_fit() -> None:
    images, names = draw_cells(6, seed=0)
    with pytest.raises(InputError, match="5 for 6 images"):
        read_labelled(images, names[:5])
    with pytest.raises(InputError, match="a class called unknown"):
        read_labelled(images, ["unknown", "round"] * 3)


def test_the_split_keeps_groups_together_and_has_every_class_on_both_sides() -> None:
    labels = np.repeat([0, 1, 2], [40, 20, 6])
    groups = [f"g{i // 2}" for i in range(66)]
    held_out = split(labels, 0.2, seed=3, groups=groups)
    assert {g for g, h in zip(groups, held_out, strict=True) if h}.isdisjoint(
        {g for g, h in zip(groups, held_out, strict=True) if not h}
    )
    assert np.bincount(labels[held_out]).tolist() == [8, 4, 2]
    with pytest.raises(InputError, match="fewer than two of class number 1"):
        split(np.array([0, 0, 1, 1]), 0.5, 0, ["a", "b", "c", "c"])


def test_squares_keep_the_middle() -> None:
    image = np.arange(7 * 5, dtype=np.uint16).reshape(1, 7, 5)
    square = to_square(image, 1, 5)
    assert square.dtype == np.uint16
    np.testing.assert_array_equal(square[0], image[0, 1:6])
    np.testing.assert_array_equal(to_square(image, 1, 7)[0, :, 0], image[0, :, 0])  # continued at the edges
    assert to_square(image, 2.0, 16).shape == (1, 16, 16)


def test_the_cell_in_the_middle_is_measured() -> None:
    images, _ = draw_cells(5, seed=2, kinds=("round",), side=48, diameter=24)
    images[:, :, :8, :] = 150  # something else at the border
    found = [central_diameter(image) for image in images]
    assert np.median(found) == pytest.approx(24, rel=0.12)
    assert not central_mask(np.full((3, 20, 20), 7, np.uint8)).any()
