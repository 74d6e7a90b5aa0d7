import numpy as np
import pandas as pd
import pytest
from scipy import ndimage as ndi
from skimage.measure import label, regionprops_table

from neubauer.cells import pixel_runs as runs
from neubauer.cells.annotation import Annotation
from neubauer.cells.convert import annotation_to_cells, labels_to_boxes, labels_to_points
from neubauer.cells.measure import COLUMNS, add_micrometres, measure

PROPERTIES = [
    *("label", "centroid", "bbox", "area", "eccentricity", "solidity", "perimeter", "equivalent_diameter_area"),
    *("axis_major_length", "axis_minor_length", "intensity_mean"),
]


def blobs(seed, shape):
    rng = np.random.default_rng(seed)
    field = ndi.gaussian_filter(rng.normal(size=shape), rng.uniform(0.5, 3))
    return label(field > np.quantile(field, 0.6)).astype(np.int32)


CASES = {
    "blobs": blobs(0, (80, 97)),
    "specks": blobs(1, (31, 200)),
    "touching": np.random.default_rng(2).integers(0, 5, (40, 30)).astype(np.int32) * 1000,
    "one pixel": np.ones((1, 1), np.int32),
    "one row": np.array([[0, 1, 1, 0, 2, 2, 2, 5]], np.int32),
    "one column": np.array([[1], [1], [0], [3]], np.int32),
    "whole image": np.full((7, 5), 4, np.int32),
}


@pytest.mark.parametrize("band", [1 << 22, 300])
@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_scikit_image(name, band, monkeypatch):
    monkeypatch.setattr(runs, "_BAND", band)
    labels = CASES[name]
    image = np.random.default_rng(3).normal(size=(2, *labels.shape))
    table = measure(labels, image)
    expected = pd.DataFrame(regionprops_table(labels, np.moveaxis(image, 0, -1), properties=PROPERTIES))
    assert list(table.columns) == [*COLUMNS, "intensity_mean-0", "intensity_mean-1"]
    pd.testing.assert_frame_equal(table, expected[table.columns], check_dtype=False, atol=1e-6)


def test_intensity_of_one_channel_and_from_regions():
    labels = CASES["blobs"]
    image = np.random.default_rng(4).integers(0, 4000, (1, *labels.shape), dtype=np.uint16)

    class Source:
        shape = image.shape

        def region(self, y0, y1, x0, x1):
            return image[:, y0:y1, x0:x1]

    table = measure(labels, image)
    assert table.columns[-1] == "intensity_mean"
    pd.testing.assert_frame_equal(table, measure(labels, Source()))
    pd.testing.assert_frame_equal(table, measure(labels, image[0]))


def test_no_cells_give_all_columns_and_no_rows():
    table = measure(np.zeros((5, 6), np.int32), np.zeros((3, 5, 6)))
    assert len(table) == 0
    assert list(table.columns) == [*COLUMNS, "intensity_mean-0", "intensity_mean-1", "intensity_mean-2"]
    assert add_micrometres(table, (0.5, 0.5)).columns[-1] == "perimeter_um"


def test_wrong_shapes_are_refused():
    with pytest.raises(ValueError, match="expected"):
        measure(np.zeros((2, 3, 4), np.int32))
    with pytest.raises(ValueError, match="intensity has the shape"):
        measure(np.zeros((3, 4), np.int32), np.zeros((1, 4, 3)))


def test_micrometres():
    labels = np.zeros((20, 20), np.int32)
    labels[4:8, 10:16] = 1
    table = add_micrometres(measure(labels), (0.5, 0.25))
    row = table.iloc[0]
    assert row["area_um2"] == pytest.approx(24 * 0.125)
    assert (row["centroid-0_um"], row["centroid-1_um"]) == pytest.approx((5.5 * 0.5, 12.5 * 0.25))
    assert row["equivalent_diameter_um"] == pytest.approx(np.sqrt(4 * 3 / np.pi))
    assert row["perimeter_um"] == pytest.approx(row["perimeter"] * np.sqrt(0.125))
    for size in [(0, 1), (np.nan, 1), (-1, 1)]:
        with pytest.raises(ValueError, match="pixel_size_um"):
            add_micrometres(measure(labels), size)


def test_labels_to_points_and_boxes():
    labels = CASES["blobs"]
    table = measure(labels)
    np.testing.assert_allclose(labels_to_points(labels), table[["centroid-0", "centroid-1"]])
    np.testing.assert_array_equal(labels_to_boxes(labels), table[[f"bbox-{i}" for i in range(4)]])
    gap = np.array([[0, 2, 2]])
    np.testing.assert_array_equal(labels_to_points(gap), [[np.nan, np.nan], [0, 1.5]])
    np.testing.assert_array_equal(labels_to_boxes(gap), [[0, 0, 0, 0], [0, 1, 1, 3]])
    assert labels_to_points(gap * 0).shape == (0, 2)
    assert labels_to_boxes(gap * 0).shape == (0, 4)


def test_annotations_as_cells():
    labels = np.array([[1, 1, 0], [0, 0, 2]], np.int32)
    index = np.array([1, -1])
    marks = Annotation("masks", (2, 3), ("a", "b"), index, labels_to_points(labels), labels=labels)
    cells = annotation_to_cells(marks, "x")
    assert cells.table["class"].tolist() == ["b", ""]
    assert cells.table["area"].tolist() == [2, 1]
    assert cells.table[[f"bbox-{i}" for i in range(4)]].to_numpy().tolist() == [[0, 0, 1, 2], [1, 2, 2, 3]]
    points = Annotation("points", (2, 3), ("a",), np.array([0]), np.array([[1.0, 2.0]]))
    assert "bbox-0" not in annotation_to_cells(points, "x").table
    assert annotation_to_cells(points, "x").counts() == {"a": 1}
