import json

import numpy as np
import pytest
from annotation_samples import RBC, SIZE, via_csv, via_polygon, via_project, via_region

from neubauer.cells.read.marks import listed_images, read_marks
from neubauer.errors import InputError

RECT = {"name": "rect", "x": 3, "y": 2, "width": 6, "height": 5}


def version_1(images):
    """As VIA 1 exports JSON: regions are numbered."""
    return {
        f"{name}99": {
            "fileref": "",
            "size": 99,
            "filename": name,
            "base64_img_data": "",
            "file_attributes": {},
            "regions": {str(i): region for i, region in enumerate(regions)},
        }
        for name, regions in images.items()
    }


WAYS = {
    "project.json": lambda images: json.dumps(via_project(images)),
    "export.json": lambda images: json.dumps(via_project(images)["_via_img_metadata"]),
    "version1.json": lambda images: json.dumps(version_1(images)),
    "export.csv": via_csv,
    "version1.csv": lambda images: via_csv(images, "#"),
}


def read(tmp_path, images, kind="masks", way="project.json", image="a.png"):
    (tmp_path / way).write_text(WAYS[way](images))
    return read_marks(tmp_path / way, kind, SIZE, image=image)


@pytest.mark.parametrize("way", WAYS)
def test_projects_and_exports_of_both_versions(tmp_path, way):
    images = {
        "a.png": [via_region(via_polygon(RBC), type="RBC"), via_region(RECT, type="WBC, large")],
        "b c.png": [],
        "http://host/x/d.png": [via_region(RECT, type="RBC")],
    }
    marks = read(tmp_path, images, "boxes", way)
    np.testing.assert_array_equal(marks.boxes, [[2, 10, 8, 15], [2, 3, 7, 9]])
    assert marks.counts() == {"RBC": 1, "WBC, large": 1}
    assert len(read(tmp_path, images, "boxes", way, "b c.tif")) == 0
    assert read(tmp_path, images, "boxes", way, "d.png").counts() == {"RBC": 1}
    assert len(listed_images(tmp_path / way)) == 3
    with pytest.raises(InputError, match=rf"{way}: found e.png 0 times among the images"):
        read(tmp_path, images, "boxes", way, "e.png")


def test_round_shapes(tmp_path):
    circle = {"name": "circle", "cx": 20, "cy": 15, "r": 6}
    ellipse = {"name": "ellipse", "cx": 20, "cy": 15, "rx": 10, "ry": 4}
    turned = ellipse | {"theta": 0.5}
    y, x = np.indices(SIZE) + 0.5 - np.array([15, 20])[:, None, None]
    across, along = y * np.cos(0.5) - x * np.sin(0.5), y * np.sin(0.5) + x * np.cos(0.5)
    for shape, inside in (
        (circle, y**2 + x**2 < 36),
        (ellipse, (y / 4) ** 2 + (x / 10) ** 2 < 1),
        (turned, (across / 4) ** 2 + (along / 10) ** 2 < 1),
    ):
        labels = read(tmp_path, {"a.png": [via_region(shape)]}).labels
        np.testing.assert_array_equal(labels > 0, inside)


def test_polylines_are_closed_and_points_are_points(tmp_path):
    marks = read(tmp_path, {"a.png": [via_region(via_polygon(RBC, "polyline"))]})
    assert (marks.labels > 0).sum() == 30
    marks = read(tmp_path, {"a.png": [via_region({"name": "point", "cx": 5, "cy": 3})]}, "points")
    np.testing.assert_array_equal(marks.centres, [[2.5, 4.5]])


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({}, "cell"),
        ({"kind of cell": "RBC"}, "RBC"),
        ({"kind": ""}, "cell"),
        ({"kind": "undefined"}, "cell"),
        ({"kind": {"RBC": True}}, "RBC"),
        ({"kind": {}}, "cell"),
        ({"quality": "good", "Type": "RBC"}, "RBC"),
        ({"name": "17", "class": "RBC"}, "RBC"),
    ],
)
def test_the_attribute_that_is_the_class(tmp_path, attributes, expected):
    assert read(tmp_path, {"a.png": [via_region(RECT, **attributes)]}, "boxes").classes == (expected,)


@pytest.mark.parametrize(
    ("region", "found"),
    [
        (via_region(RECT, one="a", two="b"), "regions with the attributes 'one', 'two'; expected one attribute"),
        (
            via_region(RECT, kind={"a": True, "b": True}),
            "the classes 'a', 'b' in region 1 .*; expected one class",
        ),
        (via_region({"name": "star"}), "the shape 'star' in region 1 of a.png; expected rect"),
        (via_region({}), "the shape null in region 1 of a.png"),
        (via_region(RECT | {"x": "left"}), "x 'left' in region 1 of a.png; expected a number as x"),
        (via_region({"name": "circle", "cx": 1, "cy": 2}), "r null in region 1 of a.png"),
        (via_region({"name": "polygon", "all_points_x": [1], "all_points_y": []}), "lists of the same length"),
        (via_region(via_polygon(RBC[:2])), "the points .* in region 1 of a.png; expected 3 or more"),
        ({"region_attributes": {}}, "no shape_attributes in region 1 of a.png"),
        (7, "no shape_attributes in region 1 of a.png"),
    ],
)
def test_broken_regions_are_named(tmp_path, region, found):
    with pytest.raises(InputError, match=rf"project\.json: found .*{found}"):
        read(tmp_path, {"a.png": [region]})


def test_broken_tables_are_named(tmp_path):
    text = via_csv({"a.png": [via_region(RECT)]})
    path = tmp_path / "bad.csv"
    for broken, found in (
        (text.replace('""width"":6', '""width"":'), "region_shape_attributes .* in row 1; expected a JSON object"),
        (text.replace("region_count", "count"), "no column region_count"),
        (text.replace('"{""name""', '{""name""'), "a file that cannot be read as a table"),
    ):
        path.write_text(broken)
        with pytest.raises(InputError, match=rf"bad\.csv: found {found}"):
            read_marks(path, "boxes", SIZE, image="a.png")
