"""From shapes to masks, boxes and points."""

import logging
from pathlib import Path

import numpy as np
import pytest

from neubauer.cells.read.annotate import annotation_of
from neubauer.cells.read.shapes import Drawn, box, ellipse, mask, point, polygon
from neubauer.errors import InputError

FILE = Path("drawn.json")
SIZE = (20, 30)


def square(y0, x0, y1, x1, name="a", where="shape 1"):
    return polygon(where, name, np.array([[y0, x0], [y0, x1], [y1, x1], [y1, x0]], float))


def marks(*shapes, kind="masks", size=SIZE, classes=None, **more):
    return annotation_of(FILE, Drawn(list(shapes), **more), kind, size, classes)


@pytest.mark.parametrize("kind", ["masks", "boxes", "points"])
def test_outlines_become_what_is_wanted(kind):
    found = marks(square(2, 3, 8, 13), kind=kind)
    assert found.kind == kind
    np.testing.assert_array_equal(found.centres, [[4.5, 7.5]])
    if kind == "masks":
        assert (found.labels > 0).sum() == 60
    if kind == "boxes":
        np.testing.assert_array_equal(found.boxes, [[2, 3, 8, 13]])


def test_a_box_or_a_point_among_outlines_is_the_least_that_is_known(caplog):
    outline, rectangle, dot = square(2, 3, 8, 13), box("shape 2", "b", 1, 1, 4, 5), point("shape 3", "a", 9.5, 9.5)
    with caplog.at_level(logging.WARNING):
        boxes = marks(outline, rectangle)
        points = marks(outline, rectangle, dot)
    assert (boxes.kind, points.kind) == ("boxes", "points")
    np.testing.assert_array_equal(boxes.boxes, [[2, 3, 8, 13], [1, 1, 4, 5]])
    np.testing.assert_array_equal(points.centres, [[4.5, 7.5], [2, 2.5], [9, 9]])
    assert points.counts() == {"a": 2, "b": 1}
    assert "drawn.json: shape 2 is a box, so that all is read as boxes, not masks" in caplog.text
    assert "drawn.json: shape 3 is a point, so that all is read as points, not masks" in caplog.text
    caplog.clear()
    marks(outline, rectangle, kind="boxes")
    assert not caplog.text


def test_no_shapes_are_what_was_wanted():
    for kind in ("masks", "boxes", "points"):
        found = marks(kind=kind)
        assert (found.kind, len(found), found.classes) == (kind, 0, ("cell",))
        assert found.centres.shape == (0, 2)
    assert not marks().labels.any()


def test_the_smaller_of_two_that_overlap_is_on_top():
    small, large = square(5, 5, 9, 9, where="small"), square(2, 2, 12, 12, where="large")
    for order in ((small, large), (large, small)):
        labels = marks(*order).labels
        assert labels[6, 6] == 1 + order.index(small)
        assert labels[3, 3] == 1 + order.index(large)


def test_what_has_no_area_or_is_covered_is_dropped_and_told(caplog):
    speck = square(3.1, 3.1, 3.3, 3.3, "b")  # between the centres of pixels
    line = square(4, 2, 4, 9, "b")
    twice = square(10, 10, 14, 14, where="again")
    with caplog.at_level(logging.WARNING):
        found = marks(square(10, 10, 14, 14, "c"), speck, twice, line, square(0, 0, 3, 3), classes=("a", "b", "c"))
    assert found.counts() == {"a": 2, "b": 0, "c": 0}
    assert found.labels[12, 12] == 1
    assert found.labels[1, 1] == 2
    assert len(found) == found.labels.max() == len(found.centres)
    assert caplog.text.count("dropped 1 of") == 3
    assert "others cover (shape 1)" in caplog.text
    assert len(marks(speck, kind="points")) == 1


def test_a_polygon_that_crosses_itself_has_what_an_odd_number_of_turns_encloses():
    bow = polygon("shape 1", "a", np.array([[2.0, 2], [10, 10], [10, 2], [2, 10]]))
    labels = marks(bow).labels
    y, x = np.indices(SIZE) + 0.5
    expected = (abs(x - 6) > abs(y - 6)) & (x > 2) & (x < 10) if labels[6, 3] else (abs(y - 6) > abs(x - 6))
    clear = (abs(abs(x - 6) - abs(y - 6)) > 0.1) & (y > 2) & (y < 10) & (x > 2) & (x < 10)
    np.testing.assert_array_equal((labels > 0)[clear], expected[clear])
    assert len(marks(bow)) == 1


def test_shapes_are_cut_at_the_edge():
    over = square(-5, 25, 4, 40)
    assert (marks(over).labels > 0).sum() == 4 * 5
    np.testing.assert_array_equal(marks(over, kind="boxes").boxes, [[0, 25, 4, 30]])
    np.testing.assert_array_equal(marks(over, kind="points").centres, [[1.5, 27]])
    pixels = mask("shape 1", "a", (-1, -1), np.ones((3, 3), bool))
    assert (marks(pixels).labels > 0).sum() == 4
    np.testing.assert_array_equal(marks(point("p", "a", 20.5, -0.5)).centres, [[19, 0]])


@pytest.mark.parametrize("kind", ["masks", "boxes", "points"])
@pytest.mark.parametrize("shape", [square(20, 2, 25, 9), square(2, -9, 5, 0), ellipse("shape 1", "a", (9, 50), (3, 3))])
def test_shapes_outside_are_refused(kind, shape):
    with pytest.raises(InputError, match=r"drawn\.json: found shape 1 outside of the image; expected 20 x 30 pixels"):
        marks(square(2, 2, 4, 4, where="fine"), shape, kind=kind)


def test_points_outside_are_refused():
    with pytest.raises(InputError, match="2 points outside of the image, the first in p at y=25, x=3"):
        marks(point("fine", "a", 3, 3), point("p", "a", 25.5, 3.5), point("q", "a", 3, 99))


def test_regions_and_what_is_ignored():
    found = marks(
        square(2, 2, 4, 4), ignore=[box("i", "", 5, 5.5, 7.2, 9)], regions=[square(0, 0, 10, 30), square(9, 0, 12, 4)]
    )
    expected = np.zeros(SIZE, bool)
    expected[10:] = True
    expected[9:12, 0:4] = False
    expected[5:8, 5:9] = True
    np.testing.assert_array_equal(found.ignore, expected)
    assert marks(square(2, 2, 4, 4)).ignore is None


def test_classes_that_some_cells_lack():
    assert marks(square(2, 2, 4, 4, ""), square(6, 6, 9, 9, "b")).class_index.tolist() == [0, 0]
    mixed = marks(square(2, 2, 4, 4, ""), square(6, 6, 9, 9, "b"), square(12, 6, 15, 9, "a"))
    assert mixed.class_index.tolist() == [-1, 1, 0]
    assert marks(square(2, 2, 4, 4, "")).classes == ("cell",)


def test_holes_and_pieces_of_one_outline():
    ring = np.array([[2, 2], [2, 10], [10, 10], [10, 2]], float)
    hole = np.array([[4, 4], [4, 8], [8, 8], [8, 4]], float)
    labels = marks(polygon("s", "a", ring, hole, ring + np.array([0, 12]))).labels
    assert (labels > 0).sum() == 64 - 16 + 64
    assert labels.max() == 1
