import json
import logging

import numpy as np
import pytest

from neubauer.cells.read.formats.yolo import read_class_list
from neubauer.cells.read.marks import read_marks
from neubauer.errors import InputError


def read_boxes(path, shape=None, classes=None, image=None):
    return read_marks(path, "boxes", shape, classes, image)


def voc(*objects, size="<size><width>40</width><height>30</height></size>"):
    items = "".join(
        f"<object><name>{name}</name><difficult>1</difficult><bndbox><xmin>{x0}</xmin><ymin>{y0}</ymin>"
        f"<xmax>{x1}</xmax><ymax>{y1}</ymax></bndbox></object>"
        for name, x0, y0, x1, y1 in objects
    )
    return f"<annotation>{size}{items}</annotation>"


def write(path, text):
    path.write_text(text)
    return path


class TestVoc:
    def test_counts_from_one_and_includes_the_last_pixel(self, tmp_path):
        marks = read_boxes(write(tmp_path / "a.xml", voc(("WBC", 1, 1, 40, 30), ("RBC", 11, 3, 20, 12))), (30, 40))
        np.testing.assert_array_equal(marks.boxes, [[0, 0, 30, 40], [2, 10, 12, 20]])
        np.testing.assert_array_equal(marks.centres, [[14.5, 19.5], [6.5, 14.5]])
        assert marks.classes == ("RBC", "WBC")
        assert marks.counts() == {"RBC": 1, "WBC": 1}

    def test_order_of_classes_can_be_given(self, tmp_path):
        path = write(tmp_path / "a.xml", voc(("RBC", 1, 1, 4, 4)))
        assert read_boxes(path, classes=("WBC", "RBC")).class_index.tolist() == [1]
        with pytest.raises(InputError, match="the class 'RBC'; expected one of WBC"):
            read_boxes(path, classes=("WBC",))

    def test_boxes_without_area_are_dropped_and_reported(self, tmp_path, caplog):
        path = write(tmp_path / "a.xml", voc(("RBC", 5, 5, 5, 9), ("RBC", 1, 1, 4, 4), ("RBC", 7, 9, 9, 9)))
        with caplog.at_level(logging.WARNING):
            assert len(read_boxes(path)) == 1
        assert "dropped 2 of 3 boxes" in caplog.text
        assert "a.xml" in caplog.text

    def test_boxes_are_cut_at_the_edge(self, tmp_path):
        marks = read_boxes(write(tmp_path / "a.xml", voc(("RBC", -3, 0, 10, 99))))
        np.testing.assert_array_equal(marks.boxes, [[0, 0, 30, 10]])

    def test_no_object_is_an_image_without_cells(self, tmp_path):
        marks = read_boxes(write(tmp_path / "a.xml", voc()), classes=("RBC",))
        assert marks.boxes.shape == (0, 4)
        assert marks.counts() == {"RBC": 0}

    def test_size_may_be_missing_if_the_image_is_there(self, tmp_path):
        path = write(tmp_path / "a.xml", voc(("RBC", 1, 1, 4, 4), size=""))
        assert read_boxes(path, (30, 40)).shape == (30, 40)
        with pytest.raises(InputError, match="no size of the image"):
            read_boxes(path)

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", "cannot be read as XML"),
            (voc(("RBC", 1, 1, 4, 4))[:-40], "cannot be read as XML"),
            ("<html></html>", "XML of <html>"),
            (voc(("RBC", 41, 1, 60, 4)), "object 1 outside of the image"),
            (voc(("RBC", "nan", 1, 60, 4)), "<bndbox/xmin> of 'nan' in object 1"),
            (voc(("RBC", 1, 1, 4, 4), ("RBC", 1, "-inf", 60, 4)), "<bndbox/ymin> of '-inf' in object 2"),
            (voc(("RBC", 1, 1, "1e999", 4)), "<bndbox/xmax> of '1e999' in object 1"),
            (voc(("RBC", 9, 9, 7, 12)), "object 1 from x=9 to 7 and y=9 to 12"),
            (voc(("RBC", 9, 9, 12, 7)), "object 1 from x=9 to 12 and y=9 to 7"),
            (voc(("RBC", "a", 1, 60, 4)), "<bndbox/xmin> of 'a' in object 1"),
            (voc(("", 1, 1, 6, 4)), "no <name> in object 1"),
            *(
                (voc(size=f"<size><width>{side}</width><height>3</height></size>"), f"the width '{side}' of the image")
                for side in ("x", "inf", "nan", "-40", "1e300", "40.5")
            ),
            ("<annotation><object><name>RBC</name></object></annotation>", "no <bndbox/ymin> in object 1"),
            ("<?xml version='1.0' encoding='no-such'?><annotation/>", "an encoding that cannot be read"),
            ("<annotation>\0</annotation>", "cannot be read as XML"),
        ],
    )
    def test_broken_files_are_refused(self, tmp_path, text, found):
        with pytest.raises(InputError, match=found) as error:
            read_boxes(write(tmp_path / "bad.xml", text), (30, 40))
        assert "bad.xml" in str(error.value)

    def test_another_image_size_is_refused(self, tmp_path):
        with pytest.raises(InputError, match=r"30 x 40 pixels.*expected 40 x 30"):
            read_boxes(write(tmp_path / "a.xml", voc()), (40, 30))


class TestYolo:
    def test_fractions_and_class_list(self, tmp_path):
        (tmp_path / "labels").mkdir()
        write(tmp_path / "classes.txt", "WBC\nRBC\n")
        path = write(tmp_path / "labels" / "a.txt", "1 0.5 0.5 0.25 0.1\n\n0 0.1 0.2 0.2 0.4 0.93\n")
        marks = read_boxes(path, (100, 200))
        np.testing.assert_allclose(marks.boxes, [[45, 75, 55, 125], [0, 0, 40, 40]])
        assert marks.classes == ("RBC", "WBC")
        assert marks.class_index.tolist() == [0, 1]

    def test_classes_given_stand_in_for_a_list(self, tmp_path):
        path = write(tmp_path / "a.txt", "1 0.5 0.5 0.2 0.2\n")
        assert read_boxes(path, (10, 10), ("RBC", "WBC")).counts() == {"RBC": 0, "WBC": 1}
        with pytest.raises(InputError, match="no list of classes"):
            read_boxes(path, (10, 10))

    def test_polygons_become_boxes(self, tmp_path):
        path = write(tmp_path / "a.txt", "0 0.1 0.2 0.5 0.3 0.4 0.8\n")
        np.testing.assert_allclose(read_boxes(path, (10, 10), ("c",)).boxes, [[2, 1, 8, 5]])

    def test_an_empty_file_is_an_image_without_cells(self, tmp_path):
        assert len(read_boxes(write(tmp_path / "a.txt", ""), (10, 10))) == 0

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("0 0.5 0.5 0.2", "line 1"),
            ("0 0.5 0.5 0.2 0.2\nx 0.5 0.5 0.2 0.2", "line 2"),
            ("0 320 240 50 50", "line 1"),
            ("0 0.5 nan 0.2 0.2", "line 1"),
            ("2 0.5 0.5 0.2 0.2", "class 2 in line 1"),
            ("0.5 0.5 0.5 0.2 0.2", "class 0.5 in line 1"),
            ("-1 0.5 0.5 0.2 0.2", "class -1 in line 1"),
            ("nan 0.5 0.5 0.2 0.2", "class nan in line 1"),
            ("0 0.5 0.5 inf 0.2", "line 1"),
            ("0 0.5 0.5 -0.005 0.2", "line 1.*not negative"),
            ("0 0.5 0.5 0.2 \0", "line 1"),
        ],
    )
    def test_broken_lines_are_refused(self, tmp_path, text, found):
        with pytest.raises(InputError, match=found) as error:
            read_boxes(write(tmp_path / "bad.txt", text), (10, 10), ("a", "b"))
        assert "bad.txt" in str(error.value)

    def test_the_image_is_needed(self, tmp_path):
        with pytest.raises(InputError, match="fractions"):
            read_boxes(write(tmp_path / "a.txt", "0 0.5 0.5 0.2 0.2"), classes=("a",))

    @pytest.mark.parametrize(
        "text",
        [
            "train: x\nnames: ['red cell', \"WBC\"]\nnc: 2\n",
            "nc: 2\nnames:\n  - red cell\n  - WBC\npath: y\n",
            "names:  # all\n  0: red cell\n  1: 'WBC'\n\ntrain: x\n",
            "names:\n- red cell\n- WBC",
            "names: # all\n- 'red cell' # the small ones\n- WBC # the large ones\n",
        ],
    )
    def test_names_in_yaml(self, tmp_path, text):
        assert read_class_list(write(tmp_path / "data.yaml", text)) == ("red cell", "WBC")

    @pytest.mark.parametrize(
        ("quoted", "name"), [("'a\\'", "a\\"), ("'it''s'", "it's"), (r'"a\\b \u00e9"', "a\\b é"), ('"# 1"', "# 1")]
    )
    def test_quotes_in_yaml(self, tmp_path, quoted, name):
        assert read_class_list(write(tmp_path / "data.yaml", f"names: [{quoted}, b]\n")) == (name, "b")

    @pytest.mark.parametrize("name", ["'a", '"a', r'"a\x"', "'a'b", "'a, b'"])
    def test_quotes_that_do_not_match_are_refused(self, tmp_path, name):
        with pytest.raises(InputError, match=r"data\.yaml: found the name .*; expected .*quotes that match"):
            read_class_list(write(tmp_path / "data.yaml", f"names: [{name}]\n"))

    @pytest.mark.parametrize("name", ["classes.txt", "data.yaml"])
    def test_a_list_in_another_encoding_is_refused(self, tmp_path, name):
        (tmp_path / name).write_bytes("WBC\n".encode("utf-16"))
        with pytest.raises(InputError, match=rf"{name}: found text that is not UTF-8 .*; expected one name per line"):
            read_boxes(write(tmp_path / "a_boxes.txt", "0 0.5 0.5 0.2 0.2\n"), (10, 10))

    def test_a_list_without_names_is_refused(self, tmp_path):
        with pytest.raises(InputError, match="no class names"):
            read_class_list(write(tmp_path / "data.yaml", "train: x\n"))


def coco(**changes):
    content = {
        "images": [
            {"id": 7, "file_name": "train/a.png", "width": 40, "height": 30},
            {"id": 8, "file_name": "b.png", "width": 40, "height": 30},
        ],
        "categories": [{"id": 3, "name": "WBC"}, {"id": 5, "name": "RBC"}],
        "annotations": [
            {"id": 1, "image_id": 7, "category_id": 5, "bbox": [10, 2, 5, 8], "iscrowd": 0},
            {"id": 2, "image_id": 7, "category_id": 3, "bbox": [0, 0, 4, 4]},
            {"id": 3, "image_id": 7, "category_id": 3, "bbox": [20, 10, 6.5, 4], "iscrowd": 1},
        ],
    }
    return json.dumps(content | changes)


def mark(**changes):
    """One annotation; a key that is None is left out."""
    plain = {"id": 9, "image_id": 7, "category_id": 3, "bbox": [0, 0, 1, 1]}
    return coco(annotations=[{key: value for key, value in (plain | changes).items() if value is not None}])


def sized(**changes):
    return coco(images=[{"id": 7, "file_name": "a.png", "width": 40, "height": 30} | changes])


class TestCoco:
    def test_boxes_of_one_of_the_images(self, tmp_path):
        path = write(tmp_path / "coco.json", coco())
        marks = read_boxes(path, (30, 40), image="elsewhere/a.png")
        np.testing.assert_array_equal(marks.boxes, [[2, 10, 10, 15], [0, 0, 4, 4]])
        assert marks.counts() == {"RBC": 1, "WBC": 1}
        assert marks.ignore.sum() == 4 * 7
        assert marks.ignore[10:14, 20:27].all()

    def test_an_image_without_annotations_has_no_cells(self, tmp_path):
        marks = read_boxes(write(tmp_path / "coco.json", coco()), image="b.jpg", classes=("RBC", "WBC"))
        assert marks.counts() == {"RBC": 0, "WBC": 0}
        assert marks.ignore is None

    def test_a_changed_file_is_read_again(self, tmp_path):
        path = write(tmp_path / "coco.json", coco())
        assert len(read_boxes(path, image="a.png")) == 2
        write(path, coco(annotations=[], info="longer"))
        assert len(read_boxes(path, image="a.png")) == 0

    @pytest.mark.parametrize("bbox", [None, []])
    def test_polygons_stand_in_for_a_box(self, tmp_path, bbox):
        text = mark(bbox=bbox, segmentation=[[5, 2, 9.5, 4, 7, 8], [3, 6, 4, 6, 4, 7, 3, 7]])
        marks = read_boxes(write(tmp_path / "coco.json", text), image="a.png")
        np.testing.assert_array_equal(marks.boxes, [[2, 3, 8, 9.5]])

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", "cannot be read as JSON"),
            (coco()[:-30], "cannot be read as JSON"),
            ("\0", "cannot be read as JSON"),
            ("[" * 100_000, "JSON of too many lists"),
            ("9" * 5000, "a number of too many digits"),
            ("[1, 2]", r"JSON of \[1, 2\]; expected annotations: .*COCO JSON"),
            ("null", "JSON of null"),
            (coco(annotations=None), "'annotations' of null"),
            (coco(images={"a.png": 7}), "'images' of {'a.png': 7}"),
            (coco(categories=[3]), "3 as entry 1 of 'categories'"),
            (coco(categories=[{"id": [3], "name": "WBC"}]), r"id \[3\] in entry 1 of 'categories'"),
            (coco(categories=[{"id": 3, "name": None}]), "name null in entry 1 of 'categories'"),
            (coco(annotations=[{"id": 1}]), "no image_id in entry 1 of 'annotations'"),
            (coco(annotations=[{"id": 1, "image_id": {}}]), "image_id {} in entry 1 of 'annotations'"),
            (coco(images=[{"file_name": "a.png"}]), "no id in entry 1 of 'images'"),
            (coco(images=[{"id": 7, "file_name": "a.png"}, {"id": 7, "file_name": "b.png"}]), "several images of id 7"),
            *(
                (sized(height=side), f"the height {side!r} of the image")
                for side in ("abc", float("inf"), float("nan"), -30, 30.5, 10**20)
            ),
            ('{"images": []}', "JSON without 'categories'"),
            (coco(images=[]), "a.png 0 times among the images"),
            (mark(category_id=4), "category 4 in annotation 9; expected one of 3, 5"),
            (mark(category_id=[1]), r"category \[1\] in annotation 9"),
            (mark(category_id=None), "category null in annotation 9"),
            (mark(iscrowd="0"), "iscrowd '0' in annotation 9"),
            (mark(bbox=[0, 0, 1]), r"the bbox \[0, 0, 1\] in annotation 9"),
            (mark(bbox=[0, 0, 1, float("nan")]), r"the bbox \[0, 0, 1, nan\] in annotation 9"),
            (mark(bbox=[0, 0, 1, float("inf")], iscrowd=1), r"the bbox \[0, 0, 1, inf\] in annotation 9"),
            (mark(bbox=[0, 0, 10**400, 1]), "the bbox .* in annotation 9"),
            (mark(bbox=[5, 5, -1, 1]), r"the bbox \[5, 5, -1, 1\] in annotation 9; expected .* not negative"),
            (mark(bbox="0011"), "the bbox '0011' in annotation 9"),
            (mark(bbox=[99, 0, 1, 1]), "outside"),
            (mark(bbox=None), "neither bbox nor segmentation in annotation 9; expected a bbox, or polygons"),
            (mark(bbox=None, segmentation=[]), "neither bbox nor segmentation"),
            (
                mark(bbox=None, segmentation={"counts": "aB3", "size": [30, 40]}),
                "run lengths .*in annotation 9, which add up to -428; expected lengths of 30 x 40",
            ),
            (
                mark(bbox=None, segmentation={"counts": [2, 5], "size": [30, 40]}),
                "run lengths .*in annotation 9, which add up to 7; expected lengths of 30 x 40",
            ),
            (mark(bbox=None, segmentation=[[1, 2, 3, 4]]), "the segmentation .*expected a bbox, or polygons"),
            (mark(bbox=None, segmentation=[[1, 2, 3, 4, 5, "x"]]), "the segmentation .*expected a bbox, or polygons"),
            (mark(bbox=None, segmentation=[1, 2, 3, 4, 5, 6]), "the segmentation .*expected a bbox, or polygons"),
            (mark(bbox=None, segmentation="x"), "the segmentation 'x'"),
        ],
    )
    def test_broken_files_are_refused(self, tmp_path, text, found):
        with pytest.raises(InputError, match=found) as error:
            read_boxes(write(tmp_path / "bad.json", text), (30, 40), image="a.png")
        assert "bad.json" in str(error.value)


@pytest.mark.parametrize("content", [b"", b"\0" * 9, b"\xff\xfea\0", bytes(range(256)), b"[" * 99999, b"<" * 99999])
@pytest.mark.parametrize("name", ["a.xml", "a.txt", "a.json"])
def test_junk_is_refused_in_one_line(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    if name == "a.txt" and not content:
        return  # an image without cells
    with pytest.raises(InputError, match=rf"^.*{name}: found [^\n]{{1,200}}; expected [^\n]*$"):
        read_boxes(path, (30, 40), ("a",))


def test_unknown_and_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"a file of type \.doc"):
        read_boxes(tmp_path / "a.doc", (3, 3))
    for name in ("a.xml", "a.txt", "a.json"):
        with pytest.raises(InputError, match=name):
            read_boxes(tmp_path / name, (3, 3))
