import itertools
import time

import numpy as np
import pytest

from neubauer.metrics.detection import (
    Boxes,
    assign,
    average_precision,
    box_iou,
    match_boxes,
    match_masks,
    match_points,
    mean_average_precision,
    outside,
    precision_recall_f1,
)


@pytest.mark.parametrize("seed", range(8))
def test_assignment_is_the_best_of_all(seed):
    rng = np.random.default_rng(seed)
    rows, columns = np.nonzero(rng.random((4, 5)) < 0.4)
    cost = rng.random(len(rows)) * 10
    chosen = assign(rows, columns, cost)
    best = (0, 0.0)
    for size in range(len(rows) + 1):
        for subset in itertools.combinations(range(len(rows)), size) if size <= 4 else ():
            one_to_one = len(set(rows[list(subset)])) == len(set(columns[list(subset)])) == size
            if one_to_one:
                best = min(best, (-size, cost[list(subset)].sum()))
    assert (-len(chosen), cost[chosen].sum()) == pytest.approx(best)
    assert len(set(rows[chosen])) == len(set(columns[chosen])) == len(chosen)


def test_points_are_paired_once_and_within_the_distance():
    true = np.array([[0.0, 0], [0, 10], [50, 50]])
    predicted = np.array([[0.0, 4], [0, 0], [50, 56]])
    assert match_points(true, predicted, 5).tolist() == [[0, 1]]
    # the nearest pair alone would leave one over; two pairs are more than one
    assert sorted(match_points(true, predicted[:1], 7).tolist()) == [[0, 0]]
    assert sorted(match_points([[0, 0], [0, 3]], [[0, 2], [0, 5.5]], 3).tolist()) == [[0, 0], [1, 1]]
    assert match_points(true, true, 0.1).tolist() == [[0, 0], [1, 1], [2, 2]]
    assert match_points(true, np.zeros((0, 2)), 5).shape == (0, 2)
    assert match_points([], predicted, 5).shape == (0, 2)


def test_many_points_are_fast():
    points = np.stack(np.meshgrid(np.arange(150), np.arange(150)), axis=-1).reshape(-1, 2) * 10.0
    start = time.perf_counter()
    assert len(match_points(points, points + 1, 4)) == len(points)
    assert time.perf_counter() - start < 20  # a single cost matrix would take minutes and gigabytes


def test_centres_in_boxes():
    boxes = [[0, 0, 10, 10], [5, 5, 15, 15], [100, 100, 110, 110]]
    centres = [[4.5, 4.5], [7, 7], [7.5, 7.5], [99.4, 105], [109.5, 105]]
    # the first centre takes the middle of the first box, and of the next two the one nearer to its middle the second
    assert match_boxes(boxes, centres).tolist() == [[0, 0], [1, 2]]
    assert match_boxes(boxes, [[99.5, 109.4]]).tolist() == [[2, 0]]  # the corner of a pixel is half a pixel off
    assert match_boxes([], centres).shape == (0, 2)
    assert match_boxes(boxes, []).shape == (0, 2)


def test_centres_in_masks():
    labels = np.zeros((20, 20), int)
    labels[2:9, 2:9], labels[12:15, 12:15] = 1, 3
    centres = [[3, 3], [5, 5], [13, 13], [10, 10], [-5, 3], [30, 30]]
    assert match_masks(labels, centres).tolist() == [[0, 1], [2, 2]]
    assert match_masks(labels * 0, centres).shape == (0, 2)
    assert match_masks(labels, []).shape == (0, 2)


def test_precision_recall_f1():
    assert precision_recall_f1(6, 2, 4) == pytest.approx({"precision": 0.75, "recall": 0.6, "f1": 12 / 18})
    assert np.isnan(list(precision_recall_f1(0, 0, 0).values())).all()
    assert precision_recall_f1(0, 3, 0)["f1"] == 0


def test_ignore_region():
    ignore = np.zeros((5, 5), bool)
    ignore[:, 3:] = True
    assert outside([[1, 1], [1, 2.6], [0, 9]], ignore).tolist() == [True, False, False]
    assert outside([[1, 1]], None).tolist() == [True]


def test_iou_of_boxes():
    a = [[0, 0, 10, 10], [5, 5, 5, 9]]
    b = [[0, 0, 10, 10], [0, 5, 10, 15], [20, 20, 30, 30]]
    np.testing.assert_allclose(box_iou(a, b), [[1, 1 / 3, 0], [0, 0, 0]])


def square(i, shift=0.0):
    return [0.0, 100 * i + shift, 10, 100 * i + shift + 10]


def test_average_precision_by_hand():
    # two images, four true boxes; by falling score: right, wrong, right, right (precisions 1, 1/2, 2/3, 3/4)
    true = [np.array([square(0), square(1)]), np.array([square(0), square(1)])]
    predicted = [np.array([square(0), square(0, 1), square(1)]), np.array([square(1, 2)])]
    scores = [np.array([0.9, 0.8, 0.7]), np.array([0.6])]
    # envelope of the precisions: 1 to recall 1/4, 3/4 to recall 3/4, then nothing
    assert average_precision(true, predicted, scores, method="all-point") == pytest.approx(1 / 4 + 3 / 4 / 2)
    assert average_precision(true, predicted, scores) == pytest.approx((26 * 1 + 50 * 0.75) / 101)
    # at IoU 0.75 the shifted box in the second image is wrong
    assert average_precision(true, predicted, scores, 0.75, "all-point") == pytest.approx(1 / 4 + 2 / 3 / 4)


def test_average_precision_at_the_limits():
    box, none = np.array([square(0)]), np.zeros((0, 4))
    assert average_precision([box], [box], [np.ones(1)]) == pytest.approx(1)
    assert average_precision([box], [none], [np.zeros(0)]) == 0
    assert average_precision([box], [none], [np.zeros(0)], method="all-point") == 0
    assert np.isnan(average_precision([none], [box], [np.ones(1)]))
    assert np.isnan(average_precision([], [], []))
    with pytest.raises(ValueError, match="1 boxes with 2 scores"):
        average_precision([box], [box], [np.ones(2)])
    with pytest.raises(ValueError, match="NaN"):
        average_precision([box], [box], [np.array([np.nan])])


def test_mean_over_the_classes_that_occur():
    true = [Boxes(np.array([square(0), square(1)]), np.array([0, 1]))]
    predicted = [Boxes(np.array([square(0), square(1)]), np.array([0, 0]), np.array([0.9, 0.8]))]
    result = mean_average_precision(true, predicted, ("a", "b", "c"))
    assert result["a"] == pytest.approx(1)
    assert result["b"] == 0
    assert np.isnan(result["c"])
    assert result["mean"] == pytest.approx(0.5)
    with pytest.raises(ValueError, match="without scores"):
        mean_average_precision(true, true, ("a", "b"))
