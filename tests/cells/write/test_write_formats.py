import json
import uuid
from pathlib import Path

import numpy as np
import pytest
import roifile
from scipy import ndimage as ndi
from skimage.measure import points_in_poly

from neubauer.cells.annotation import Annotation
from neubauer.cells.convert import annotation_to_cells
from neubauer.cells.measure import measure
from neubauer.cells.read.marks import read_marks
from neubauer.cells.table import Cells
from neubauer.cells.write.coco import merge_coco, write_coco
from neubauer.cells.write.formats import FORMATS
from neubauer.cells.write.geojson import write_geojson
from neubauer.cells.write.outlines import rings_of
from neubauer.cells.write.roi import write_roi
from neubauer.cells.write.yolo import write_yolo
from neubauer.errors import InputError
from neubauer.images.read import from_array

CLASSES = ("RBC", "WBC")


def masks(image="a", n=3):
    """A square, a cell in two pieces, and a single pixel."""
    labels = np.zeros((20, 30), np.int32)
    labels[2:8, 3:9] = 1
    labels[12:15, 2:6] = labels[12:15, 9:12] = 2
    labels[10, 20] = 3
    labels[labels > n] = 0
    table = measure(labels)
    table.insert(0, "image", image)
    table.insert(2, "class", ["RBC", "WBC", "RBC"][:n])
    table.insert(3, "probability", 0.5)
    return Cells(table, CLASSES, image, labels.shape, labels)


def boxes():
    corners = np.array([[2.0, 3, 8, 9], [0, 0, 4.5, 4]])
    return annotation_to_cells(
        Annotation("boxes", (20, 30), CLASSES, np.array([1, 0]), corners[:, :2] + 2, boxes=corners), "boxes"
    )


def points():
    return annotation_to_cells(Annotation("points", (20, 30), CLASSES, np.array([1]), np.array([[4.0, 7.0]])), "points")


def inside(rings, shape):
    """Pixels whose centres are in one of the rings of `y, x`."""
    centres = np.argwhere(np.ones(shape)) + 0.5
    return np.logical_or.reduce([points_in_poly(centres, np.asarray(ring)).reshape(shape) for ring in rings])


@pytest.mark.parametrize("seed", range(6))
def test_rings_contain_just_the_pixels_of_the_mask(seed):
    rng = np.random.default_rng(seed)
    field = rng.normal(size=(25, 31))
    mask = (ndi.gaussian_filter(field, seed) if seed else field) > 0
    rings = rings_of(mask)
    np.testing.assert_array_equal(inside(rings, mask.shape), ndi.binary_fill_holes(mask))
    assert all((ring[0] == ring[-1]).all() for ring in rings)


def test_rings_have_no_points_within_straight_stretches():
    (ring,) = rings_of(np.ones((5, 7), bool))
    assert len(ring) == 9  # eight corners: each of four is cut
    assert (ring.min(axis=0), ring.max(axis=0)) == (pytest.approx([0, 0]), pytest.approx([5, 7]))


def test_geojson_for_qupath(tmp_path):
    cells = masks()
    cells.table.loc[0, "solidity"] = np.nan
    write_geojson(tmp_path / "a.geojson", cells)
    content = json.loads((tmp_path / "a.geojson").read_text(), parse_constant=pytest.fail)  # NaN is no JSON
    assert content["type"] == "FeatureCollection"
    assert [f["geometry"]["type"] for f in content["features"]] == ["Polygon", "MultiPolygon", "Polygon"]
    for i, feature in enumerate(content["features"], start=1):
        uuid.UUID(feature["id"])
        polygons = feature["geometry"]["coordinates"]
        polygons = polygons if feature["geometry"]["type"] == "MultiPolygon" else [polygons]
        found = inside([np.array(polygon[0])[:, ::-1] for polygon in polygons], cells.shape)
        np.testing.assert_array_equal(found, cells.labels == i)
        properties = feature["properties"]
        assert properties["objectType"] == "detection"
        assert properties["classification"]["name"] == cells.table["class"][i - 1]
        assert properties["measurements"]["area"] == cells.table["area"][i - 1]
        assert all(isinstance(v, float) for v in properties["measurements"].values())
    assert "solidity" not in content["features"][0]["properties"]["measurements"]
    colours = {tuple(f["properties"]["classification"]["color"]) for f in content["features"]}
    assert len(colours) == 2
    assert len({f["id"] for f in content["features"]}) == 3


def test_geojson_of_boxes_and_points(tmp_path):
    write_geojson(tmp_path / "b.geojson", boxes())
    geometry = json.loads((tmp_path / "b.geojson").read_text())["features"][0]["geometry"]
    assert geometry == {"type": "Polygon", "coordinates": [[[3, 2], [9, 2], [9, 8], [3, 8], [3, 2]]]}
    write_geojson(tmp_path / "p.geojson", points())
    geometry = json.loads((tmp_path / "p.geojson").read_text())["features"][0]["geometry"]
    assert geometry == {"type": "Point", "coordinates": [7.5, 4.5]}


def test_coco_is_read_back(tmp_path):
    path = tmp_path / "coco.json"
    write_coco(path, (c for c in (masks(), masks("none", 0), boxes())), CLASSES, {"a": "sub/a.tif"})
    content = json.loads(path.read_text())
    assert [i["file_name"] for i in content["images"]] == ["sub/a.tif", "none", "boxes"]
    assert content["categories"] == [{"id": 1, "name": "RBC"}, {"id": 2, "name": "WBC"}]
    assert [m["id"] for m in content["annotations"]] == [1, 2, 3, 4, 5]
    assert [len(m["segmentation"]) for m in content["annotations"]] == [1, 2, 1, 0, 0]
    first = content["annotations"][0]
    assert first["score"] == 0.5
    ring = np.array(first["segmentation"][0]).reshape(-1, 2)[:, ::-1]
    np.testing.assert_array_equal(inside([ring], (20, 30)), masks().labels == 1)

    for cells in (masks(), masks("none", 0), boxes()):
        marks = read_marks(path, "boxes", cells.shape, CLASSES, image=f"{cells.image}.png")
        np.testing.assert_allclose(marks.boxes, cells.table[[f"bbox-{i}" for i in range(4)]].to_numpy(float))
        assert marks.counts() == cells.counts()


def test_coco_files_of_single_images_are_joined(tmp_path):
    together = [masks(), masks("none", 0), boxes()]
    write_coco(tmp_path / "all.json", together, CLASSES)
    parts = [tmp_path / f"{cells.image}.json" for cells in together]
    for path, cells in zip(parts, together, strict=True):
        write_coco(path, [cells], CLASSES)
    merge_coco(tmp_path / "merged.json", parts, CLASSES)
    assert json.loads((tmp_path / "merged.json").read_text()) == json.loads((tmp_path / "all.json").read_text())
    with pytest.raises(InputError, match="the categories RBC, WBC"):
        merge_coco(tmp_path / "x.json", parts, ("WBC", "RBC"))


def test_imagej_rois(tmp_path):
    cells = masks()
    write_roi(tmp_path / "a.zip", cells)
    rois = roifile.roiread(tmp_path / "a.zip")
    assert [roi.name for roi in rois] == ["0001-RBC", "0002-WBC", "0002-WBC-2", "0003-RBC"]
    np.testing.assert_array_equal(inside([rois[0].coordinates()[:, ::-1]], cells.shape), cells.labels == 1)
    assert rois[0].roitype == roifile.ROI_TYPE.POLYGON
    assert rois[0].stroke_color != rois[1].stroke_color
    write_roi(tmp_path / "p.zip", points())
    (roi,) = roifile.roiread(tmp_path / "p.zip")
    assert roi.roitype == roifile.ROI_TYPE.POINT
    np.testing.assert_array_equal(roi.coordinates(), [[7.5, 4.5]])


def test_formats_of_boxes_refuse_centres_and_unknown_classes(tmp_path):
    for write in (
        lambda c, classes: write_coco(tmp_path / "x.json", [c], classes),
        lambda c, classes: write_yolo(tmp_path / "x.txt", c, classes),
    ):
        with pytest.raises(InputError, match="only the centre"):
            write(points(), CLASSES)
        with pytest.raises(InputError, match=r"'WBC'.*expected one of RBC"):
            write(boxes(), ("RBC",))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n", [0, 3])
def test_every_format_of_an_image_with_and_without_cells(tmp_path, n):
    cells = masks("a", n)
    image, written = from_array(np.zeros((1, *cells.shape), np.uint8)), {}
    for name in ("geojson", "coco", "roi", "yolo"):
        written[name] = tmp_path / name / FORMATS[name].file.format(cells.image)
        written[name].parent.mkdir(parents=True)
        FORMATS[name].write(written[name], cells, image, Path("images/a.tif"))
        if FORMATS[name].merge is not None:
            FORMATS[name].merge(tmp_path / name, [written[name]], cells.classes)
    assert len(json.loads(written["geojson"].read_text())["features"]) == n
    for name in ("coco", "yolo"):
        marks = read_marks(written[name], "boxes", cells.shape, CLASSES, image="a.png")
        np.testing.assert_allclose(marks.boxes, cells.table[[f"bbox-{i}" for i in range(4)]].to_numpy(float), atol=1e-4)
        assert marks.counts() == cells.counts()
    assert len(roifile.roiread(written["roi"])) == (4 if n else 0)
