"""Which files are meant, and what their results are called."""

from pathlib import Path

import pytest

from neubauer.errors import InputError
from neubauer.images.find import find_images, unique_stems
from neubauer.images.stem import stem


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    for name in ("c10.png", "c2.PNG", "c1.ome.tif", "notes.txt", ".hidden.png", "sub/d.jpg", ".git/e.png", "b[1].tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_folder(folder):
    assert names(find_images([folder])) == ["b[1].tif", "c1.ome.tif", "c2.PNG", "c10.png"]
    assert names(find_images([folder], recursive=True)) == ["b[1].tif", "c1.ome.tif", "c2.PNG", "c10.png", "d.jpg"]
    assert names(find_images(str(folder))) == names(find_images([folder]))


def test_files_and_globs(folder):
    assert names(find_images(["notes.txt"])) == ["notes.txt"]
    assert names(find_images(["b[1].tif"])) == ["b[1].tif"]
    assert names(find_images(["c*"])) == ["c1.ome.tif", "c2.PNG", "c10.png"]
    assert names(find_images(["**/*.jpg"])) == ["d.jpg"]
    assert names(find_images(["su*"])) == ["d.jpg"]


def test_order_of_inputs_and_no_duplicates(folder):
    assert names(find_images(["c2.PNG", folder, "./c2.PNG", "c*"])) == ["c2.PNG", "b[1].tif", "c1.ome.tif", "c10.png"]


@pytest.mark.parametrize(
    ("item", "found"), [("empty", "a folder without images"), ("nothing.png", "no such file"), ("x*.png", "no match")]
)
def test_nothing_found(folder, item, found):
    with pytest.raises(InputError, match=found) as info:
        find_images([folder, item])
    assert info.value.where == item


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a/x.ome.tif", "x"), ("x.OME.TIFF", "x"), ("x.tif", "x"), ("x.1.png", "x.1"), ("x", "x"), ("y.ome.png", "y.ome")],
)
def test_stem(name, expected):
    assert stem(name) == expected


def test_unique_stems():
    def named(*paths: str) -> list[str]:
        return list(unique_stems([Path(p) for p in paths]).values())

    assert named("a/x.png", "a/y.png") == ["x", "y"]
    assert named("a/x.png", "b/x.png", "b/y.png") == ["a_x", "b_x", "y"]
    assert named("a/x.png", "a/x.tif") == ["x_png", "x_tif"]
    assert named("a/x.png", "a/x.tif", "b/x.tif") == ["a_x_png", "a_x_tif", "b_x_tif"]
    assert named("1/a/x.png", "2/a/x.png") == ["x_1", "x_2"]
    assert named("a/x.png", "a/X.png") == ["x_1", "X_2"]
    assert named("a/x.png", "b/x.png", "c/a_x.png") == ["a_x_png", "b_x_png", "a_x"]
    assert named("a/x.png", "a/x.png") == ["x"]
