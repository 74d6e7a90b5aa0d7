import zipfile

import numpy as np
import pytest
import roifile
from annotation_samples import RBC, SIZE, roi_of, write_rois

from neubauer.cells.read.formats.imagej import class_of_name
from neubauer.cells.read.marks import read_marks
from neubauer.errors import InputError

TYPE = roifile.ROI_TYPE


def read(path, kind="masks", **more):
    return read_marks(path, kind, SIZE, **more)


def shaped(kind, top, left, bottom, right, name="cell"):
    roi = roifile.ImagejRoi(name=name)
    roi.roitype, roi.top, roi.left, roi.bottom, roi.right = kind, top, left, bottom, right
    return roi


@pytest.mark.parametrize("kind", [TYPE.POLYGON, TYPE.FREEHAND, TYPE.TRACED])
@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_outlines_with_and_without_parts_of_a_pixel(tmp_path, kind, dtype):
    roi = roi_of(np.array(RBC, dtype), "x", kind)
    roi.tofile(tmp_path / "one.roi")
    marks = read(tmp_path / "one.roi")
    expected = np.zeros(SIZE, int)
    expected[2:8, 10:15] = 1
    np.testing.assert_array_equal(marks.labels, expected)


def test_ovals_are_ellipses_and_rectangles_boxes(tmp_path):
    marks = read(write_rois(tmp_path / "oval.zip", shaped(TYPE.OVAL, 4, 6, 24, 16)))
    y, x = np.indices(SIZE) + 0.5
    np.testing.assert_array_equal(marks.labels > 0, ((y - 14) / 10) ** 2 + ((x - 11) / 5) ** 2 < 1)
    path = write_rois(tmp_path / "mixed.zip", shaped(TYPE.OVAL, 4, 6, 24, 16), shaped(TYPE.RECT, 1, 20, 5, 30, "r"))
    marks = read(path)
    assert marks.kind == "boxes"
    np.testing.assert_allclose(marks.boxes, [[4, 6, 24, 16], [1, 20, 5, 30]])


def test_boxes_in_parts_of_a_pixel(tmp_path):
    roi = shaped(TYPE.RECT, 1, 2, 6, 9)
    roi.options = roifile.ROI_OPTIONS.SUB_PIXEL_RESOLUTION
    roi.xd, roi.yd, roi.widthd, roi.heightd = 2.25, 1.5, 6.5, 4.25
    path = write_rois(tmp_path / "sub.zip", roi)
    np.testing.assert_allclose(read(path, "boxes").boxes, [[1.5, 2.25, 5.75, 8.75]])


def test_a_composite_is_one_cell_with_its_hole(tmp_path):
    roi = roifile.ImagejRoi(name="ring")
    roi.roitype = TYPE.RECT
    path = []
    for ring in ([(2, 2), (12, 2), (12, 12), (2, 12)], [(5, 5), (5, 9), (9, 9), (9, 5)]):
        path += [0, *ring[0], *(v for p in ring[1:] for v in (1, *p)), 4]
    roi.multi_coordinates = np.array(path, np.float32)
    roi.shape_roi_size = len(path)
    roi.top, roi.left, roi.bottom, roi.right = 2, 2, 12, 12
    marks = read(write_rois(tmp_path / "composite.zip", roi))
    expected = np.zeros(SIZE, int)
    expected[2:12, 2:12] = 1
    expected[5:9, 5:9] = 0
    np.testing.assert_array_equal(marks.labels, expected)


def test_each_of_many_points_is_a_cell_and_counters_are_classes(tmp_path):
    whole = roi_of([[3, 4], [8, 9]], "points", TYPE.POINT)
    parts = roi_of([[3.5, 4.5]], "more", TYPE.POINT)
    marks = read(write_rois(tmp_path / "p.zip", whole, parts), "points")
    np.testing.assert_allclose(marks.centres, [[4, 3], [9, 8], [4, 3]])
    assert marks.kind == "points"
    assert marks.classes == ("more", "points")
    whole.counters, whole.counter_positions = np.array([0, 2], np.uint8), np.zeros(2, np.uint32)
    marks = read(write_rois(tmp_path / "counters.zip", whole), "points")
    assert marks.counts() == {"counter 0": 1, "counter 2": 1}


def test_groups_are_classes(tmp_path):
    rois = [roi_of(RBC, f"000{i}-0001", TYPE.POLYGON) for i in range(2)]
    rois[1].group = 3
    marks = read(write_rois(tmp_path / "groups.zip", *rois), "boxes")
    assert marks.classes == ("group 3",)
    assert read(write_rois(tmp_path / "none.zip", rois[0])).classes == ("cell",)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("0001-0123-0456", ""),
        ("0123-0456", ""),
        ("17", ""),
        ("", ""),
        ("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", ""),
        ("RBC", "RBC"),
        ("RBC-2", "RBC"),
        ("0007-RBC", "RBC"),
        ("0007-RBC-2", "RBC"),
        ("dead cell 12", "dead cell"),
        ("CD4", "CD4"),
        ("3 T3", "T3"),
    ],
)
def test_the_class_in_a_name(name, expected):
    assert class_of_name(name) == expected


def test_many_different_names_are_no_classes(tmp_path):
    shift = [[[x + 2 * i, y] for x, y in RBC] for i in range(11)]
    rois = [roi_of(ring, f"cell{'abcdefghijk'[i]}") for i, ring in enumerate(shift)]
    assert read(write_rois(tmp_path / "names.zip", *rois), "boxes").classes == ("cell",)
    rois[0].name, rois[1].name = "cellb-1", "cellb-2"
    assert len(read(write_rois(tmp_path / "twice.zip", *rois), "boxes").classes) == 10


def test_an_archive_without_rois_has_no_cells(tmp_path):
    assert len(read(write_rois(tmp_path / "empty.zip"))) == 0


def test_what_macos_adds_is_left_out(tmp_path):
    path = write_rois(tmp_path / "mac.zip", roi_of(RBC, "RBC"))
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("__MACOSX/._RBC.roi", b"\0\5\x16\7")
        file.writestr("folder/", b"")
    assert len(read(path)) == 1


def test_lines_texts_and_damage_are_named(tmp_path):
    line = roifile.ImagejRoi(name="ruler")
    line.roitype, line.x2 = TYPE.LINE, 9.0
    path = write_rois(tmp_path / "line.zip", roi_of(RBC, "RBC"), line)
    with pytest.raises(InputError, match=r"line\.zip: found a LINE as ROI ruler; expected polygons"):
        read(path)
    poly = roi_of(RBC, "trace", TYPE.POLYLINE)
    with pytest.raises(InputError, match="found a POLYLINE as ROI trace"):
        read(write_rois(tmp_path / "trace.zip", poly))
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
        file.writestr("broken.roi", b"Iout\0\1")
    with pytest.raises(InputError, match=r"bad\.zip: found broken\.roi, which cannot be read"):
        read(tmp_path / "bad.zip")
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as file:
        file.writestr("annotations.xml", b"<annotations/>")
    with pytest.raises(InputError, match=r"other\.zip: found a zip of annotations\.xml; .*unpacked"):
        read(tmp_path / "other.zip")
    whole = bytearray(write_rois(tmp_path / "crc.zip", roi_of(RBC, "RBC")).read_bytes())
    whole[60] ^= 255
    (tmp_path / "crc.zip").write_bytes(whole)
    with pytest.raises(InputError, match=r"crc\.zip: found a zip that cannot be read"):
        read(tmp_path / "crc.zip")
    (tmp_path / "text.roi").write_text("no ROI")
    with pytest.raises(InputError, match=r"text\.roi"):
        read(tmp_path / "text.roi")
