import numpy as np
import pytest
from PIL import Image

from neubauer.cells.read.dots import read_dots
from neubauer.cells.read.marks import read_marks
from neubauer.errors import InputError


def read_points(path, shape=None, classes=None):
    return read_marks(path, "points", shape, classes)


@pytest.mark.parametrize(
    "text",
    [
        "y,x\n1,2\n3.5,4\n",
        "X,Y\n2,1\n4,3.5\n",
        "\ufeffy;x\r\n1;2\r\n3,5;4\r\n",
        "y\tx\n1\t2\n3.5\t4\n",
        "index,axis-0,axis-1\n0,1.0,2.0\n1,3.5,4.0\n",
        "label,centroid-0,centroid-1,area\n1,1,2,9\n2,3.5,4,9\n",
    ],
)
def test_tables_of_several_makes(tmp_path, text):
    (tmp_path / "a.csv").write_text(text, encoding="utf-8", newline="")
    marks = read_points(tmp_path / "a.csv", (10, 10))
    np.testing.assert_allclose(marks.centres, [[1, 2], [3.5, 4]])
    assert marks.kind == "points"
    assert marks.counts() == {"cell": 2}


def test_classes_of_a_table(tmp_path):
    (tmp_path / "a.csv").write_text("y,x,Class\n1,1,WBC\n2,2,RBC\n3,3,RBC\n4,4,\n")
    marks = read_points(tmp_path / "a.csv", (10, 10))
    assert marks.classes == ("RBC", "WBC")
    assert marks.class_index.tolist() == [1, 0, 0, -1]
    assert read_points(tmp_path / "a.csv", (10, 10), ("WBC", "RBC")).class_index.tolist() == [0, 1, 1, -1]
    with pytest.raises(InputError, match=r"'RBC'.*expected one of WBC"):
        read_points(tmp_path / "a.csv", (10, 10), ("WBC",))


def test_a_table_of_no_points(tmp_path):
    (tmp_path / "a.csv").write_text("y,x\n")
    marks = read_points(tmp_path / "a.csv", (10, 10))
    assert marks.centres.shape == (0, 2)
    assert marks.counts() == {"cell": 0}


def test_points_on_the_rim_are_moved_into_the_image(tmp_path):
    (tmp_path / "a.csv").write_text("y,x\n10,-0.5\n")
    np.testing.assert_array_equal(read_points(tmp_path / "a.csv", (10, 8)).centres, [[9, 0]])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "cannot be read as a table"),
        ("a,b\n1,2\n", "the columns a, b"),
        ("1,2\n3,4\n", "the columns 1, 2"),
        ("y,x\n1,2\nnan,3\n", "'nan,3' in row 2"),
        ("y,x\n1,2\ninf,3\n", "'inf,3' in row 2"),
        ("y,x\n1,two\n", "'1,two' in row 1"),
        ("y,x\n1,2\n3\n", "in row 2"),
        ("y,x\n1,2\n50,3\n3,99\n", "2 points outside of the image, the first in row 2 at y=50, x=3"),
        ("axis-0,axis-1,axis-2\n1,2,3\n", "three dimensions"),
        ("y,x\n1e999,3\n", "'1e999,3' in row 1"),
        ("y,x\n" + "9" * 400 + ",3\n", "in row 1"),
        ("y,x\n1,-1e308\n", "1 points outside of the image"),
        ("y,x\n1,2\0\n", "in row 1"),
        ('y,x\n1,"2\n', "in row 1|cannot be read as a table"),
        ('"y\n1",x\n1,2\n', "the columns y 1, x"),
        ("\0\0\0", "the columns|cannot be read as a table"),
    ],
)
def test_what_is_no_table_of_points_is_refused(tmp_path, text, found):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(InputError, match=found) as error:
        read_points(tmp_path / "bad.csv", (10, 10))
    assert "bad.csv" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_table_in_another_encoding_is_refused(tmp_path):
    (tmp_path / "bad.csv").write_text("y,x\n1,2\n", encoding="utf-16")
    with pytest.raises(InputError, match=r"bad\.csv: found text that is not UTF-8"):
        read_points(tmp_path / "bad.csv", (10, 10))


@pytest.mark.parametrize("values", [np.full((9, 9), "a"), np.zeros((9, 9), complex), np.zeros((9, 9), "M8[s]")])
def test_an_array_of_other_than_numbers_is_refused(tmp_path, values):
    np.save(tmp_path / "bad.npy", values)
    with pytest.raises(InputError, match=r"bad\.npy: found values of type"):
        read_dots(tmp_path / "bad.npy")


def test_a_table_needs_the_shape_of_its_image(tmp_path):
    (tmp_path / "a.csv").write_text("y,x\n1,2\n")
    with pytest.raises(InputError, match="no size of the image"):
        read_points(tmp_path / "a.csv")


def dots():
    image = np.zeros((12, 15), np.uint8)
    image[[2, 2, 8], [3, 4, 14]] = 255  # two of them touch
    return image


@pytest.mark.parametrize("make", ["grey", "one", "bits", "rgb", "rgba"])
def test_each_set_pixel_of_a_dot_image_is_a_cell(tmp_path, make):
    grey = dots()
    red = np.zeros((12, 15, 4), np.uint8)
    red[..., 0], red[..., 3] = grey, 255
    arrays = {"grey": grey, "one": grey // 255, "bits": grey > 0, "rgb": red[..., :3].copy(), "rgba": red}
    Image.fromarray(arrays[make]).save(tmp_path / "d.png")
    marks = read_dots(tmp_path / "d.png")
    assert marks.shape == (12, 15)
    np.testing.assert_array_equal(marks.centres, [[2, 3], [2, 4], [8, 14]])


def test_an_empty_dot_image_is_an_image_without_cells(tmp_path):
    Image.fromarray(dots() * 0).save(tmp_path / "d.png")
    assert len(read_dots(tmp_path / "d.png", (12, 15))) == 0


def test_pictures_that_are_no_dot_images_are_refused(tmp_path):
    blurred = dots()
    blurred[3, 3] = 90
    Image.fromarray(blurred).save(tmp_path / "blurred.png")
    Image.fromarray(255 - dots()).save(tmp_path / "inverted.png")
    Image.fromarray(dots()).save(tmp_path / "d.jpg")
    for name, found in [
        ("blurred.png", "2 different values"),
        ("inverted.png", "98% of its pixels set"),
        ("d.jpg", "JPEG"),
    ]:
        with pytest.raises(InputError, match=found):
            read_dots(tmp_path / name)
    Image.fromarray(dots()).save(tmp_path / "d.png")
    with pytest.raises(InputError, match="12 x 15 pixels"):
        read_dots(tmp_path / "d.png", (15, 12))
