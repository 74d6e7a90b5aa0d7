import json

import numpy as np
import pytest
from annotation_samples import RBC, SIZE, WBC, polygon_geometry, qupath_feature

from neubauer.cells.read.marks import read_marks
from neubauer.errors import InputError


def read(tmp_path, content, kind="masks", name="q.geojson", **more):
    (tmp_path / name).write_text(json.dumps(content))
    return read_marks(tmp_path / name, kind, SIZE, **more)


def square(y0, x0, y1, x1):
    return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]]


def collection(*features):
    return {"type": "FeatureCollection", "features": list(features)}


@pytest.mark.parametrize("wrap", [lambda f: collection(f), lambda f: [f], lambda f: f])
def test_a_collection_a_list_or_one_feature(tmp_path, wrap):
    marks = read(tmp_path, wrap(qupath_feature("RBC", polygon_geometry(RBC))))
    assert marks.counts() == {"RBC": 1}
    assert (marks.labels[2:8, 10:15] == 1).all()


@pytest.mark.parametrize("content", [collection(), []])
def test_no_objects_are_no_cells(tmp_path, content):
    assert len(read(tmp_path, content)) == 0


def test_holes_and_pieces(tmp_path):
    ring = polygon_geometry(square(2, 2, 12, 12), square(5, 5, 9, 9))
    pieces = {
        "type": "MultiPolygon",
        "coordinates": [polygon_geometry(square(14, 2, 18, 6))["coordinates"], [[*square(20, 2, 24, 6), [2, 20]]]],
    }
    marks = read(tmp_path, collection(qupath_feature("a", ring), qupath_feature("b", pieces)))
    expected = np.zeros(SIZE, int)
    expected[2:12, 2:12] = 1
    expected[5:9, 5:9] = 0
    expected[14:18, 2:6] = expected[20:24, 2:6] = 2
    np.testing.assert_array_equal(marks.labels, expected)


def test_the_nucleus_of_a_cell_is_left_out(tmp_path):
    nucleus = polygon_geometry(square(4, 11, 6, 13))
    cell = qupath_feature("Tumor", polygon_geometry(RBC), "cell", nucleusGeometry=nucleus)
    marks = read(tmp_path, collection(cell))
    assert len(marks) == 1
    assert (marks.labels > 0).sum() == 30


def test_points_of_both_kinds(tmp_path):
    one = qupath_feature("A", {"type": "Point", "coordinates": [3.5, 4.5]})
    many = qupath_feature("B", {"type": "MultiPoint", "coordinates": [[10, 2], [11, 3]]})
    marks = read(tmp_path, collection(one, many), "points")
    np.testing.assert_allclose(marks.centres, [[4, 3], [1.5, 9.5], [2.5, 10.5]])
    assert marks.counts() == {"A": 1, "B": 2}


@pytest.mark.parametrize(
    ("classification", "expected"),
    [
        ({"name": "Tumor: Positive", "color": [1, 2, 3]}, "Tumor: Positive"),
        ({"names": ["Tumor", "Positive"], "color": [1, 2, 3]}, "Tumor: Positive"),
        ({"name": "Tumor", "colorRGB": -3670016}, "Tumor"),
        ("Tumor", "Tumor"),
        ({"name": "Unclassified"}, "cell"),
        ({}, "cell"),
        (None, "cell"),
    ],
)
def test_classifications_of_several_versions(tmp_path, classification, expected):
    feature = qupath_feature(None, polygon_geometry(RBC))
    feature["properties"]["classification"] = classification
    assert read(tmp_path, [feature]).classes == (expected,)


def test_objects_of_early_versions(tmp_path):
    old = {
        "type": "Feature",
        "id": "PathAnnotationObject",
        "geometry": polygon_geometry(RBC),
        "properties": {"classification": {"name": "Tumor", "colorRGB": -3670016}, "isLocked": False},
    }
    assert read(tmp_path, [old], name="old.json").counts() == {"Tumor": 1}


@pytest.mark.parametrize("kind", ["detection", "cell"])
def test_annotations_around_detections_are_no_cells(tmp_path, kind):
    parent = qupath_feature("Tissue", polygon_geometry(square(0, 0, 30, 40)))
    own = qupath_feature("RBC", polygon_geometry(square(10, 2, 14, 6)))
    found = [qupath_feature(None, polygon_geometry(ring), kind) for ring in (RBC, WBC)]
    marks = read(tmp_path, collection(parent, *found, own))
    assert len(marks) == 3  # that which a person has added is one
    assert marks.classes == ("RBC",)
    assert len(read(tmp_path, collection(parent, found[0]))) == 2  # two would be needed
    core = qupath_feature(None, polygon_geometry(square(0, 0, 30, 30)), "tma_core")
    assert len(read(tmp_path, collection(core, found[0]))) == 1


def test_objects_inside_of_others(tmp_path):
    parent = qupath_feature("Tissue", polygon_geometry(square(0, 0, 30, 40)))
    children = [qupath_feature("RBC", polygon_geometry(ring), "detection") for ring in (RBC, WBC)]
    parent["properties"]["childObjects"] = children
    root = {"type": "Feature", "geometry": None, "properties": {"objectType": "root", "childObjects": [parent]}}
    assert read(tmp_path, collection(root)).counts() == {"RBC": 2}


def test_regions_and_ignored_ones(tmp_path):
    region = qupath_feature("Region*", polygon_geometry(square(0, 0, 30, 20)))
    ignore = qupath_feature("Ignore*", polygon_geometry(square(20, 0, 30, 20)))
    marks = read(tmp_path, collection(region, ignore, qupath_feature("RBC", polygon_geometry(RBC))))
    assert marks.counts() == {"RBC": 1}
    expected = np.zeros(SIZE, bool)
    expected[:, 20:] = expected[20:, :] = True
    np.testing.assert_array_equal(marks.ignore, expected)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ([qupath_feature("a", None)], "no geometry in feature 1"),
        (
            collection(qupath_feature("a", {"type": "LineString", "coordinates": [[1, 2], [3, 4]]})),
            "the geometry 'LineString' in feature 1; expected one of Polygon",
        ),
        ([qupath_feature("a", {"type": "Polygon", "coordinates": []})], r"the coordinates \[\] of feature 1"),
        ([qupath_feature("a", {"type": "Polygon", "coordinates": [[[1, 2], [3, 4]]]})], "the points .* in feature 1"),
        ([qupath_feature("a", {"type": "Polygon", "coordinates": [[[1, 2], [3, "x"], [5, 6]]]})], "in feature 1"),
        ([qupath_feature("a", {"type": "Point", "coordinates": [1]})], r"the points \[\[1\]\] in feature 1"),
        ([qupath_feature("a", {"type": "Point", "coordinates": [float("nan"), 1]})], "in feature 1"),
        (collection(qupath_feature("a", polygon_geometry(RBC)), 7), "7 as feature 2"),
        ({"type": "FeatureCollection", "features": None}, "the features null"),
        ([qupath_feature("a", polygon_geometry(RBC)) | {"properties": 3}], "the properties 3 of feature 1"),
        ([qupath_feature("a", polygon_geometry(square(40, 2, 44, 9)))], "feature 1 outside of the image"),
    ],
)
def test_broken_files_are_refused(tmp_path, content, found):
    with pytest.raises(InputError, match=rf"bad\.geojson: found .*{found}"):
        read(tmp_path, content, name="bad.geojson")
