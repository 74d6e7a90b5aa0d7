import json
import logging

import numpy as np
import pytest

from neubauer.cells.read_boxes import read_boxes
from neubauer.cells.read_yolo import read_class_list
from neubauer.errors import InputError


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
        path = write(tmp_path / "a.xml", voc(("RBC", 5, 5, 5, 9), ("RBC", 1, 1, 4, 4), ("RBC", 9, 9, 7, 12)))
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
            (voc(("RBC", 41, 1, 60, 4)), "box 1 outside of the image"),
            (voc(("RBC", "nan", 1, 60, 4)), "the coordinates of box 1"),
            (voc(("RBC", "a", 1, 60, 4)), "<bndbox/xmin> of 'a' in object 1"),
            (voc(("", 1, 1, 6, 4)), "no <name> in object 1"),
            (voc(("RBC", 1, 1, 4, 4), size="<size><width>x</width><height>3</height></size>"), "<size>"),
            ("<annotation><object><name>RBC</name></object></annotation>", "<bndbox/ymin> of None"),
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
        ],
    )
    def test_names_in_yaml(self, tmp_path, text):
        assert read_class_list(write(tmp_path / "data.yaml", text)) == ("red cell", "WBC")

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

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("", "cannot be read as JSON"),
            (coco()[:-30], "cannot be read as JSON"),
            ("[1, 2]", "JSON without"),
            ('{"images": []}', "JSON without 'categories'"),
            (coco(images=[]), "a.png 0 times among the images"),
            (coco(annotations=[{"id": 9, "image_id": 7, "category_id": 4, "bbox": [0, 0, 1, 1]}]), "category 4"),
            (coco(annotations=[{"id": 9, "image_id": 7, "category_id": 3, "bbox": [0, 0, 1]}]), "annotation 9"),
            (coco(annotations=[{"id": 9, "image_id": 7, "category_id": 3}]), "bbox None in annotation 9"),
            (coco(annotations=[{"id": 9, "image_id": 7, "category_id": 3, "bbox": [99, 0, 1, 1]}]), "outside"),
        ],
    )
    def test_broken_files_are_refused(self, tmp_path, text, found):
        with pytest.raises(InputError, match=found) as error:
            read_boxes(write(tmp_path / "bad.json", text), (30, 40), image="a.png")
        assert "bad.json" in str(error.value)


def test_unknown_and_missing_files_are_named(tmp_path):
    with pytest.raises(InputError, match=r"a file of type \.doc"):
        read_boxes(tmp_path / "a.doc", (3, 3))
    for name in ("a.xml", "a.txt", "a.json"):
        with pytest.raises(InputError, match=name):
            read_boxes(tmp_path / name, (3, 3))
