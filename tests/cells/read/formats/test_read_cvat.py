import numpy as np
import pytest
from annotation_samples import RBC, SIZE, cvat_file, cvat_image, cvat_polygon

from neubauer.cells.read.marks import read_marks
from neubauer.errors import InputError

BOX = '<box label="RBC" source="manual" occluded="0" xtl="3.00" ytl="2.00" xbr="9.00" ybr="8.00" z_order="0"></box>'


def read(tmp_path, inner, kind="masks", name="c.xml", image="a.png"):
    (tmp_path / name).write_text(cvat_file(cvat_image("sub/a.png", inner), cvat_image("b.png", "")))
    return read_marks(tmp_path / name, kind, SIZE, image=image)


def test_boxes_points_and_what_is_left_out(tmp_path):
    extras = '<tag label="good" source="manual"></tag>'
    box = BOX.replace("></box>", '><attribute name="age">old</attribute></box>')
    marks = read(tmp_path, extras + box, "boxes")
    np.testing.assert_array_equal(marks.boxes, [[2, 3, 8, 9]])
    assert marks.classes == ("RBC",)
    points = '<points label="WBC" source="manual" occluded="0" points="3.50,4.50;8.00,9.00" z_order="0"></points>'
    marks = read(tmp_path, points, "points")
    np.testing.assert_array_equal(marks.centres, [[4, 3], [8.5, 7.5]])


def test_an_image_without_shapes_has_no_cells(tmp_path):
    assert len(read(tmp_path, BOX, image="b.png")) == 0


def test_turned_boxes_and_ellipses(tmp_path):
    y, x = np.indices(SIZE) + 0.5 - np.array([15, 20])[:, None, None]
    a = np.deg2rad(30)
    across, along = y * np.cos(a) - x * np.sin(a), y * np.sin(a) + x * np.cos(a)
    box = '<box label="a" xtl="10" ytl="11" xbr="30" ybr="19" rotation="30.00" />'
    inside = (abs(across) < 4) & (abs(along) < 10)
    np.testing.assert_array_equal(read(tmp_path, box).labels > 0, inside)
    ellipse = '<ellipse label="a" cx="20" cy="15" rx="10" ry="4" rotation="30.00" />'
    inside = (across / 4) ** 2 + (along / 10) ** 2 < 1
    np.testing.assert_array_equal(read(tmp_path, ellipse).labels > 0, inside)


def test_masks_of_run_lengths(tmp_path):
    mask = '<mask label="a" source="manual" occluded="0" rle="1, 2, 3, 2" left="5" top="7" width="4" height="2" />'
    expected = np.zeros(SIZE, int)
    expected[7, 6:8] = expected[8, 7:9] = 1
    np.testing.assert_array_equal(read(tmp_path, mask).labels, expected)


@pytest.mark.parametrize(
    ("inner", "found"),
    [
        ('<polyline label="a" points="1,2;3,4;5,6" />', "a <polyline>: polyline 1 of sub/a.png; expected polygon"),
        ('<cuboid label="a" />', "a <cuboid>"),
        ('<polygon label="a" points="1,2;3,4" />', "the points .* in polygon 1 of sub/a.png; expected 3 or more"),
        ('<polygon label="a" points="1,2;3;4,5" />', "the points .* in polygon 1"),
        ('<polygon label="a" />', r"the points \[\] in polygon 1"),
        (BOX.replace("3.00", "x"), "xtl 'x' in box 1 of sub/a.png"),
        (BOX.replace('xbr="9.00"', 'xbr="1.00"'), "xbr or ybr below xtl or ytl in box 1"),
        ('<ellipse label="a" cx="20" cy="15" rx="10" />', "ry null in ellipse 1"),
        (
            '<mask label="a" rle="1, 2" left="5" top="7" width="4" height="2" />',
            r"run lengths \[1, 2\] in mask 1 of sub/a.png, which add up to 3; expected lengths of 2 x 4",
        ),
        ('<mask label="a" rle="" left="5" top="7" width="4" height="2" />', "the rle '' in mask 1"),
        (BOX.replace("9.00", "99.00").replace("3.00", "90.00"), "box 1 of sub/a.png outside of the image"),
    ],
)
def test_broken_shapes_are_named(tmp_path, inner, found):
    with pytest.raises(InputError, match=rf"bad\.xml: found {found}"):
        read(tmp_path, inner, name="bad.xml")


def test_videos_and_other_sizes_are_refused(tmp_path):
    path = tmp_path / "video.xml"
    path.write_text(cvat_file('<track id="0" label="a"><box frame="0" /></track>'))
    with pytest.raises(InputError, match=r"video\.xml: found the tracks of a video; expected CVAT for images"):
        read_marks(path, "boxes", SIZE, image="a.png")
    path.write_text(cvat_file(cvat_image("a.png", cvat_polygon("a", RBC), (40, 30))))
    with pytest.raises(InputError, match="marks of an image of 40 x 30 pixels"):
        read_marks(path, "boxes", SIZE, image="a.png")
