import numpy as np
import pandas as pd
import pytest

from neubauer.cells.measure import add_micrometres, measure
from neubauer.cells.table import Cells, CountEstimate
from neubauer.cells.write.parts import TableParts
from neubauer.cells.write.tables import write_counts, write_objects
from neubauer.errors import InputError, OutputError

CLASSES = ("RBC", "WBC")


def make(image, n, um=False, **more):
    labels = np.zeros((10, 40), np.int32)
    for i in range(n):
        labels[2:6, 4 * i : 4 * i + 3] = i + 1
    table = measure(labels)
    table.insert(0, "image", image)
    table.insert(2, "class", [CLASSES[i % 2] for i in range(n)])
    table.insert(3, "probability", 0.75)
    return Cells(add_micrometres(table, (0.5, 0.5)) if um else table, CLASSES, image, labels.shape, labels, **more)


def test_counts_table(tmp_path):
    estimates = {
        "RBC": CountEstimate(2.6, 1.2, 4.1),
        "WBC": CountEstimate(1, 1, 1),
        "total": CountEstimate(3.4, 2.5, np.inf),
    }
    listed = [make("a", 3), make("b", 3, estimates=estimates, flags=["blurred", "dense"]), make("none", 0)]
    listed[1].info["diameter"] = 12.5
    write_counts(tmp_path / "counts.csv", listed, CLASSES)
    assert (tmp_path / "counts.csv").read_text() == (
        "image,RBC,RBC_low,RBC_high,WBC,WBC_low,WBC_high,total,total_low,total_high,flag,diameter\n"
        "a,2,,,1,,,3,,,,\n"
        "b,3,1,5,1,1,1,3,2,inf,blurred; dense,12.5\n"
        "none,0,,,0,,,0,,,,\n"
    )


def test_counts_of_no_images_are_a_header(tmp_path):
    write_counts(tmp_path / "counts.csv", [], CLASSES)
    assert len(pd.read_csv(tmp_path / "counts.csv")) == 0


def test_class_names_that_collide_with_columns_are_refused(tmp_path):
    for classes in [("total",), ("a", "a"), ("image",), ("a", "a_low")]:
        with pytest.raises(InputError, match="classes"):
            write_counts(tmp_path / "counts.csv", [], classes)


def test_objects_table(tmp_path):
    write_objects(tmp_path / "objects.csv", [make("a", 3), make("none", 0), make("b", 2, um=True)])
    table = pd.read_csv(tmp_path / "objects.csv")
    assert list(table.columns[:10]) == ["image", "label", "class", "probability", "centroid-0", "centroid-1"] + [
        f"bbox-{i}" for i in range(4)
    ]
    assert table["image"].tolist() == ["a"] * 3 + ["b"] * 2
    assert table["area_um2"].isna().tolist() == [True] * 3 + [False] * 2
    np.testing.assert_allclose(
        table["perimeter"], np.r_[make("a", 3).table["perimeter"], make("b", 2).table["perimeter"]]
    )


@pytest.mark.parametrize("listed", [[], [make("none", 0)]])
def test_objects_of_no_cells_are_a_header(tmp_path, listed):
    write_objects(tmp_path / "objects.csv", listed)
    table = pd.read_csv(tmp_path / "objects.csv")
    assert len(table) == 0
    assert {"image", "label", "class", "probability", "area"} <= set(table.columns)


def test_a_table_is_whole_or_not_there(tmp_path):
    (tmp_path / "objects.csv").write_text("earlier")

    def fails():
        yield make("a", 1)
        raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        write_objects(tmp_path / "objects.csv", fails())
    assert (tmp_path / "objects.csv").read_text() == "earlier"
    with pytest.raises(OutputError, match="missing"):
        write_objects(tmp_path / "missing" / "objects.csv", [])


def test_parts_merge_to_the_same_tables(tmp_path):
    listed = [make("b", 3), make("none", 0), make("a/x: 100%", 2, um=True), make("ü" * 100, 1)]
    parts = TableParts(tmp_path, CLASSES)
    for cells in listed:
        parts.add(cells)
    parts.merge([cells.image for cells in listed])
    write_counts(tmp_path / "counts2.csv", listed, CLASSES)
    write_objects(tmp_path / "objects2.csv", listed)
    assert (tmp_path / "counts.csv").read_bytes() == (tmp_path / "counts2.csv").read_bytes()
    assert (tmp_path / "objects.csv").read_bytes() == (tmp_path / "objects2.csv").read_bytes()
    assert parts.done() == {cells.image for cells in listed}


def test_a_stopped_run_goes_on(tmp_path):
    TableParts(tmp_path, CLASSES).add(make("a", 3))
    # killed while the second image was written: its objects are there, its counts are not
    (tmp_path / "parts" / "b_objects.csv").write_text("image,lab")
    again = TableParts(tmp_path, CLASSES)
    assert again.done() == {"a"}
    again.add(make("b", 1))
    again.merge()
    counts = pd.read_csv(tmp_path / "counts.csv")
    assert counts[["image", "total"]].to_numpy().tolist() == [["a", 3], ["b", 1]]
    assert len(pd.read_csv(tmp_path / "objects.csv")) == 4


def test_an_image_done_again_replaces_the_first(tmp_path):
    parts = TableParts(tmp_path, CLASSES)
    parts.add(make("a", 3))
    parts.add(make("a", 1))
    parts.merge()
    assert pd.read_csv(tmp_path / "counts.csv")["total"].tolist() == [1]
    assert len(pd.read_csv(tmp_path / "objects.csv")) == 1


def test_an_image_is_not_done_while_it_is_done_again(tmp_path, monkeypatch):
    parts = TableParts(tmp_path, CLASSES)
    parts.add(make("a", 3))

    def killed(path, table):
        raise KeyboardInterrupt

    monkeypatch.setattr("neubauer.cells.write.parts.save_objects", killed)
    with pytest.raises(KeyboardInterrupt):
        parts.add(make("a", 1))
    assert parts.done() == set()


def test_no_images_merge_to_headers(tmp_path):
    TableParts(tmp_path, CLASSES).merge()
    assert len(pd.read_csv(tmp_path / "counts.csv")) == 0
    assert "label" in pd.read_csv(tmp_path / "objects.csv")


def test_one_folder_is_for_one_set_of_classes(tmp_path):
    TableParts(tmp_path, CLASSES).add(make("a", 1))
    other = TableParts(tmp_path, ("cell",))
    with pytest.raises(InputError, match="one folder for one model"):
        other.merge()
    with pytest.raises(InputError, match="the classes RBC, WBC"):
        other.add(make("b", 1))


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="file"):
        TableParts(tmp_path / "file", CLASSES)
