import numpy as np
import pandas as pd
import pytest

from neubauer.cells.measure import add_micrometres, measure
from neubauer.cells.table import Cells, CountEstimate
from neubauer.cells.write.tables import join_objects, objects_table, save_objects, write_counts, write_objects
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


def test_tables_of_single_images_join_to_the_same_table(tmp_path):
    listed = [make("a", 3), make("b", 0), make("c", 1)]
    for cells in listed:
        save_objects(tmp_path / f"{cells.image}.csv", objects_table(cells))
    join_objects(tmp_path / "joined.csv", [tmp_path / f"{cells.image}.csv" for cells in listed])
    write_objects(tmp_path / "objects.csv", listed)
    assert (tmp_path / "joined.csv").read_text() == (tmp_path / "objects.csv").read_text()
    join_objects(tmp_path / "none.csv", [])
    assert "label" in pd.read_csv(tmp_path / "none.csv")
