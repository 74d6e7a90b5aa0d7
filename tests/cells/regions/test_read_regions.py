"""Regions from the files of other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import roifile
from tifffile import imwrite

from neubauer.cells.regions.read.load import read_regions
from neubauer.errors import InputError
from neubauer.images.write import write_image

SHAPE = (100, 120)


def feature(ring: list[list[float]], name: str | None = None, kind: Any = None, what: str = "annotation") -> Any:
    """A feature as QuPath 0.4 and newer write it."""
    properties: dict[str, Any] = {"objectType": what}
    properties |= {"name": name} if name else {}
    properties |= {"classification": kind} if kind else {}
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": properties}


SQUARE: list[list[float]] = [[10, 20], [40, 20], [40, 60], [10, 60], [10, 20]]


def write_json(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_qupath(tmp_path: Path) -> None:
    features = [
        feature(SQUARE, "gland", {"name": "Tumor", "color": [200, 0, 0]}),
        feature(SQUARE, None, {"names": ["Tumor", "Positive"]}),
        feature(SQUARE, what="detection"),
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [3, 4]}, "properties": {}},
    ]
    path = write_json(tmp_path / "a.geojson", {"type": "FeatureCollection", "features": features})
    regions = read_regions(path, SHAPE)
    assert [(r.name, r.kind) for r in regions.regions] == [("gland", "Tumor"), ("Tumor: Positive", "Tumor: Positive")]
    assert regions.regions[0].area.bounds == (10, 20, 40, 60)  # x, y
    assert regions.members(np.array([[50, 15], [15, 50]]))[:, 0].tolist() == [True, False]
    assert regions.notes == (
        "left out of the regions: detected cells (1)",
        "left out of the regions: points or lines (1)",
    )


def test_older_qupath_lists_and_bare_geometries(tmp_path: Path) -> None:
    old = {"type": "Feature", "id": "PathAnnotationObject", "geometry": {"type": "Polygon", "coordinates": [SQUARE]}}
    cell = old | {"id": "PathCellObject"}
    bare = {"type": "MultiPolygon", "coordinates": [[SQUARE], [[[60, 60], [70, 60], [70, 70], [60, 60]]]]}
    regions = read_regions(write_json(tmp_path / "old.json", [old, cell, bare]), SHAPE)
    assert [round(r.area.area) for r in regions.regions] == [1200, 1250]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "no valid JSON"),
        ('{"type": "FeatureCollection", "features": []}', "no polygon"),
        (json.dumps(feature(SQUARE, what="cell")), "no polygon of a region"),
        ('{"type": "Polygon", "coordinates": [[[0, 0], [1]]]}', "a broken geometry"),
    ],
)
def test_geojson_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "broken.geojson"
    path.write_text(text)
    with pytest.raises(InputError, match=said) as error:
        read_regions(path, SHAPE)
    assert error.value.where == str(path)


def rectangle(kind: int, left: int, top: int, right: int, bottom: int, name: str) -> roifile.ImagejRoi:
    roi = roifile.ImagejRoi()
    roi.version, roi.roitype, roi.name = 228, kind, name
    roi.left, roi.top, roi.right, roi.bottom = left, top, right, bottom
    return roi


def test_imagej_zip(tmp_path: Path) -> None:
    triangle = roifile.ImagejRoi.frompoints(np.array([[10, 10], [50, 10], [50, 30.0]]), name="triangle")
    point = roifile.ImagejRoi.frompoints(np.array([[5, 5]]), name="point")
    point.roitype = roifile.ROI_TYPE.POINT
    rois = [
        triangle,
        rectangle(roifile.ROI_TYPE.RECT, 60, 20, 80, 60, "box"),
        rectangle(roifile.ROI_TYPE.OVAL, 0, 40, 40, 100, "oval"),
        point,
    ]
    roifile.roiwrite(tmp_path / "rois.zip", rois, mode="w")
    regions = read_regions(tmp_path / "rois.zip", SHAPE)
    assert [r.name for r in regions.regions] == ["triangle", "box", "oval"]
    assert [r.area.area for r in regions.regions] == pytest.approx([400, 800, np.pi * 20 * 30], rel=2e-3)
    assert regions.regions[1].area.bounds == (60, 20, 80, 60)
    assert regions.notes == ("left out of the regions: points or lines (1)",)


def test_imagej_single_roi_and_composite(tmp_path: Path) -> None:
    rectangle(roifile.ROI_TYPE.RECT, 1, 2, 11, 22, "one").tofile(tmp_path / "one.roi")
    assert read_regions(tmp_path / "one.roi", SHAPE).regions[0].area.area == 200

    ring = rectangle(roifile.ROI_TYPE.RECT, 0, 0, 40, 40, "ring")
    path: list[float] = []
    for low, high in ((0, 40), (10, 30)):  # moves, lines, and the end of each part, as java.awt.Shape has them
        path += [0, low, low, 1, high, low, 1, high, high, 1, low, high, 4]
    ring.multi_coordinates = np.array(path, "float32")
    ring.shape_roi_size = len(path)
    ring.tofile(tmp_path / "ring.roi")
    assert read_regions(tmp_path / "ring.roi", SHAPE).regions[0].area.area == 40**2 - 20**2


def test_imagej_without_areas(tmp_path: Path) -> None:
    point = roifile.ImagejRoi.frompoints(np.array([[5, 5]]))
    point.roitype = roifile.ROI_TYPE.POINT
    point.tofile(tmp_path / "point.roi")
    with pytest.raises(InputError, match="points or lines only"):
        read_regions(tmp_path / "point.roi", SHAPE)
    (tmp_path / "text.roi").write_text("no ROI")
    with pytest.raises(InputError, match="cannot be read"):
        read_regions(tmp_path / "text.roi", SHAPE)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_label_image(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(0)
    labels = np.kron(rng.choice([0, 3, 9], (10, 12)), np.ones((10, 10), int)).astype(np.uint8)  # in pieces, with holes
    path = tmp_path / f"labels{suffix}"
    imwrite(path, labels) if suffix == ".tif" else write_image(path, labels)
    regions = read_regions(path, SHAPE)
    assert [r.name for r in regions.regions] == ["region 3", "region 9"]
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    members = regions.members(np.stack([y.ravel(), x.ravel()], 1))
    assert (members[:, 0] == (labels == 3).ravel()).all()
    assert (members[:, 1] == (labels == 9).ravel()).all()
    assert [r.area.area for r in regions.regions] == [(labels == 3).sum(), (labels == 9).sum()]


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(SHAPE, np.uint8), "nothing but 0"),
        (np.ones((50, 50), np.uint8), "50 x 50 pixels"),
        (np.full(SHAPE, 0.5, np.float32), "not whole"),
        (np.full(SHAPE, -1, np.int16), "negative"),
        (np.arange(3 * SHAPE[0] * SHAPE[1]).reshape(*SHAPE, 3).astype(np.uint8), "colour image"),
        (np.ones((5, *SHAPE), np.uint8), "labels that overlap"),
    ],
)
def test_label_image_that_is_none(tmp_path: Path, labels: np.ndarray, said: str) -> None:
    imwrite(tmp_path / "bad_labels.tif", labels)
    with pytest.raises(InputError, match=said):
        read_regions(tmp_path / "bad_labels.tif", SHAPE)


def test_boxes(tmp_path: Path) -> None:
    path = tmp_path / "boxes.csv"
    path.write_text(
        "image;region;y0;x0;y1;x1;class\na.tif;left;0;0;50;60;core\nb;right;0;60;100;120;\na;top;0;0;10;10;core\n"
    )
    regions = read_regions(path, SHAPE, "a.tif")
    assert [(r.name, r.kind, r.area.area) for r in regions.regions] == [("left", "core", 3000), ("top", "core", 100)]
    assert regions.regions[0].area.bounds == (0, 0, 60, 50)
    with pytest.raises(InputError, match=r"no row for c\.tif"):
        read_regions(path, SHAPE, "c.tif")


@pytest.mark.parametrize(
    ("text", "said"),
    [("y,x\n1,2\n", "the columns y, x"), ("region,y0,x0,y1,x1\na,0,0,5,5\nb,9,0,five,1\n", r"row 3: .*y1='five'")],
)
def test_boxes_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad_boxes.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=said):
        read_regions(path, SHAPE)


def test_files_of_other_kinds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_regions(tmp_path / "none.geojson", SHAPE)
    (tmp_path / "regions.docx").write_text("x")
    with pytest.raises(InputError, match=r"type \.docx"):
        read_regions(tmp_path / "regions.docx", SHAPE)
