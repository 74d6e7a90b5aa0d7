import json

import numpy as np
import pytest
from annotation_samples import RBC, SIZE, percent, studio_result, studio_task

from neubauer.cells.read.marks import listed_images, read_marks
from neubauer.errors import InputError

POLYGON = studio_result("polygonlabels", {"points": percent(RBC), "closed": True})
RECTANGLE = {"x": 25.0, "y": 50.0, "width": 50.0, "height": 20.0, "rotation": 0}


def read(tmp_path, *tasks, kind="masks", name="s.json", image="a.png", shape=SIZE):
    (tmp_path / name).write_text(json.dumps(tasks))
    return read_marks(tmp_path / name, kind, shape, image=image)


def one(tmp_path, *results, **more):
    return read(tmp_path, studio_task("a.png", *results), **more)


@pytest.mark.parametrize(
    "address",
    [
        "/data/upload/1/1a2b3c4d-a.png",
        "http://localhost:8080/data/upload/1/1a2b3c4d-a.png",
        "/data/local-files/?d=plates/one/a.png",
        "https://host/x/a.png?token=abc",
        "s3://bucket/x/a.png",
        "a.png",
    ],
)
def test_images_are_found_by_their_addresses(tmp_path, address):
    assert read(tmp_path, studio_task(address, POLYGON), studio_task("b.png", number=2)).counts() == {"RBC": 1}


def test_names_as_the_server_changes_them(tmp_path):
    marks = read(tmp_path, studio_task("/data/upload/1/1a2b3c4d-my_image_1.png", POLYGON), image="my image (1).png")
    assert len(marks) == 1


def test_shapes_in_percent_of_an_image_of_another_size(tmp_path):
    """It may have been uploaded smaller than it is."""
    result = studio_result("rectanglelabels", RECTANGLE, size=(15, 20))
    np.testing.assert_allclose(one(tmp_path, result, kind="boxes").boxes, [[15, 10, 21, 30]])
    with pytest.raises(
        InputError, match=r"an image of 40 x 30 pixels .*in result 1 of task 1; expected the proportions"
    ):
        one(tmp_path, studio_result("rectanglelabels", RECTANGLE, size=(40, 30)))
    assert one(tmp_path, result, kind="boxes", shape=None).shape == (15, 20)


def test_rectangles_turn_about_their_corner_and_ellipses_about_their_middle(tmp_path):
    y, x = np.indices(SIZE) + 0.5 - np.array([15, 10])[:, None, None]
    a = np.deg2rad(-20)
    across, along = y * np.cos(a) - x * np.sin(a), y * np.sin(a) + x * np.cos(a)
    labels = one(tmp_path, studio_result("rectanglelabels", RECTANGLE | {"rotation": 340})).labels
    np.testing.assert_array_equal(labels > 0, (across > 0) & (across < 6) & (along > 0) & (along < 20))
    value = {"x": 25.0, "y": 50.0, "radiusX": 20.0, "radiusY": 10.0, "rotation": 340}
    labels = one(tmp_path, studio_result("ellipselabels", value)).labels
    np.testing.assert_array_equal(labels > 0, (across / 3) ** 2 + (along / 8) ** 2 < 1)


def test_key_points(tmp_path):
    marks = one(tmp_path, studio_result("keypointlabels", {"x": 25, "y": 10, "width": 0.5}), kind="points")
    np.testing.assert_allclose(marks.centres, [[2.5, 9.5]])


def test_labels_apart_from_shapes(tmp_path):
    """With the tags Rectangle and Labels, the class is a result of its own with the same id."""
    shape = studio_result("rectangle", RECTANGLE, None, id="u")
    label = studio_result("labels", RECTANGLE, "WBC", id="u")
    choice = {"type": "choices", "value": {"choices": ["good"]}, "id": "v"}
    assert one(tmp_path, shape, label, choice, kind="boxes").counts() == {"WBC": 1}
    assert one(tmp_path, shape, kind="boxes").counts() == {"cell": 1}


def test_tasks_without_annotation_are_no_images_and_empty_ones_have_no_cells(tmp_path):
    undone = studio_task("b.png", POLYGON, number=2) | {"annotations": []}
    skipped = studio_task("c.png", POLYGON, number=3, was_cancelled=True)
    assert len(read(tmp_path, studio_task("a.png"), undone, skipped)) == 0
    assert [p.name for p in listed_images(tmp_path / "s.json").paths] == ["a.png"]


def test_of_several_annotations_that_which_is_the_truth(tmp_path):
    task = studio_task("a.png", POLYGON)
    first, second = task["annotations"][0], task["annotations"][0] | {"result": []}
    with pytest.raises(InputError, match=r"s\.json: found 2 annotations of task 1, 0 of them ground truth"):
        read(tmp_path, task | {"annotations": [first, second]})
    assert len(read(tmp_path, task | {"annotations": [first, second | {"ground_truth": True}]})) == 0
    assert len(read(tmp_path, task | {"annotations": [first, second | {"was_cancelled": True}]})) == 1


@pytest.mark.parametrize(
    ("result", "found"),
    [
        (
            studio_result("brushlabels", {"format": "rle", "rle": [1, 2]}),
            "brush strokes in result 1 of task 1; expected polygons",
        ),
        (studio_result("videorectangle", {}), "the type 'videorectangle' of result 1 of task 1"),
        (studio_result("rectanglelabels", {"x": 1, "y": 2, "width": 3}), "height null in result 1 of task 1"),
        (studio_result("polygonlabels", {"points": [[1, 2]]}), "the points .* in result 1 of task 1; expected 3"),
        (POLYGON | {"image_rotation": 90}, "an image that is turned by 90 in result 1 of task 1"),
        (POLYGON | {"value": None}, "the value null in result 1"),
        (POLYGON | {"value": POLYGON["value"] | {"polygonlabels": ["a", "b"]}}, "the labels 'a', 'b' of result 1"),
        (7, "7 as result 1 of task 1"),
    ],
)
def test_broken_results_are_named(tmp_path, result, found):
    with pytest.raises(InputError, match=rf"bad\.json: found {found}"):
        one(tmp_path, result, name="bad.json")


def test_broken_tasks_are_named(tmp_path):
    whole = studio_task("a.png", POLYGON)
    for task, found in (
        (whole | {"annotations": None}, "the annotations null of task 1"),
        (whole | {"annotations": [{"result": None}]}, "the result null of task 1"),
        (whole | {"data": {"text": "hello"}}, "0 images in the data of task 1"),
    ):
        with pytest.raises(InputError, match=rf"task\.json: found {found}"):
            read(tmp_path, task, name="task.json")
    assert len(read(tmp_path, whole | {"data": {"scan": "x/a.png", "patient": "17"}})) == 1
