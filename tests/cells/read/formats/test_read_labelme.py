import base64
import json
from io import BytesIO

import numpy as np
import pytest
from annotation_samples import RBC, SIZE, labelme_file
from PIL import Image

from neubauer.cells.read.marks import read_marks
from neubauer.errors import InputError


def read(tmp_path, *shapes, kind="masks", name="l.json", **more):
    (tmp_path / name).write_text(json.dumps(labelme_file(*shapes, **more)))
    return read_marks(tmp_path / name, kind, SIZE)


def test_circles_have_a_point_on_them(tmp_path):
    marks = read(tmp_path, {"label": "a", "shape_type": "circle", "points": [[20, 15], [23, 19]]})
    y, x = np.indices(SIZE) + 0.5
    np.testing.assert_array_equal(marks.labels > 0, (y - 15) ** 2 + (x - 20) ** 2 < 25)


@pytest.mark.parametrize("corners", [[[9, 8], [3, 2]], [[3, 2], [9, 2], [9, 8], [3, 8]]])
def test_rectangles_of_old_and_new_versions(tmp_path, corners):
    marks = read(tmp_path, {"label": "a", "shape_type": "rectangle", "points": corners}, kind="boxes")
    np.testing.assert_array_equal(marks.boxes, [[2, 3, 8, 9]])


def test_points(tmp_path):
    marks = read(tmp_path, {"label": "a", "shape_type": "point", "points": [[3.5, 8]]}, kind="points")
    np.testing.assert_array_equal(marks.centres, [[7.5, 3]])


def test_masks_in_base64(tmp_path):
    pixels = np.zeros((4, 6), np.uint8)
    pixels[1:, 2:5] = 1
    file = BytesIO()
    Image.fromarray(pixels > 0).save(file, "PNG")
    text = base64.b64encode(file.getvalue()).decode()
    shape = {"label": "a", "shape_type": "mask", "points": [[10, 5], [15, 8]], "mask": text}
    expected = np.zeros(SIZE, int)
    expected[5:9, 10:16] = pixels
    np.testing.assert_array_equal(read(tmp_path, shape).labels, expected)
    np.testing.assert_array_equal(read(tmp_path, shape, kind="boxes").boxes, [[6, 12, 9, 15]])
    far = read(tmp_path, shape | {"points": [[-3, 27], [2, 30]]})  # beyond the corner of the image
    assert far.labels[28:, :2].all()
    assert (far.labels > 0).sum() == 4
    with pytest.raises(InputError, match=r"b64\.json: found the mask 'no' in shape 1; expected a PNG"):
        read(tmp_path, shape | {"mask": "no"}, name="b64.json")


def test_pieces_of_a_group_are_one_cell(tmp_path):
    pieces = [[[2, 2], [6, 2], [6, 6], [2, 6]], [[8, 2], [12, 2], [12, 6], [8, 6]]]
    grouped = [{"label": "a", "points": p, "group_id": 4} for p in pieces]
    marks = read(tmp_path, *grouped, {"label": "b", "points": RBC, "group_id": 4})
    assert marks.counts() == {"a": 1, "b": 1}
    assert (marks.labels[2:6, 2:6] == 1).all()
    assert (marks.labels[2:6, 8:10] == 1).all()
    assert read(tmp_path, *({"label": "a", "points": p} for p in pieces)).counts() == {"a": 2}


def test_no_shapes_are_no_cells(tmp_path):
    assert len(read(tmp_path)) == 0


@pytest.mark.parametrize(
    ("shape", "found"),
    [
        ({"label": "a", "shape_type": "linestrip", "points": RBC}, "a 'linestrip' as shape 1; expected polygon"),
        ({"label": "a", "points": RBC[:2]}, "the points .* in shape 1; expected 3 or more points"),
        ({"label": "a", "points": "x"}, "the points 'x' in shape 1"),
        (
            {"label": "a", "shape_type": "circle", "points": [[1, 2]]},
            "the points .* in shape 1; expected 2 or more points",
        ),
        (7, "7 as shape 1"),
    ],
)
def test_broken_shapes_are_named(tmp_path, shape, found):
    content = labelme_file()
    content["shapes"] = [shape]
    (tmp_path / "bad.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match=rf"bad\.json: found {found}"):
        read_marks(tmp_path / "bad.json", "masks", SIZE)


def test_another_image_size_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"marks of an image of 40 x 30 pixels .*expected 30 x 40"):
        read(tmp_path, {"label": "a", "points": RBC}, size=(40, 30))
