import numpy as np
import pytest

from neubauer.metrics.segmentation import drop_ignored, match_labels, overlaps, segmentation_scores


def strips(*widths, gap=0, total=60):
    """A label image of strips side by side."""
    labels, x = np.zeros((4, total), np.int32), 0
    for label, width in enumerate(widths, start=1):
        labels[:, x : x + width] = label
        x += width + gap
    return labels


def test_overlaps_of_labels_with_gaps():
    true = np.array([[0, 5, 5, 5, 9, 9]])
    predicted = np.array([[7, 7, 7, 2, 2, 2]])
    table = overlaps(true, predicted)
    assert table[["true", "predicted", "pixels"]].to_numpy().tolist() == [[5, 2, 1], [5, 7, 2], [9, 2, 2]]
    assert table["iou"].tolist() == pytest.approx([1 / 5, 2 / 4, 2 / 3])
    with pytest.raises(ValueError, match="shapes"):
        overlaps(true, predicted[:, 1:])


def test_overlaps_equal_a_count_of_pixels():
    rng = np.random.default_rng(0)
    true, predicted = rng.integers(0, 6, (2, 30, 30))
    for row in overlaps(true, predicted).itertuples():
        a, b = true == row.true, predicted == row.predicted
        assert row.iou == pytest.approx((a & b).sum() / (a | b).sum())
    assert len(overlaps(true, predicted)) == 25


def test_matching_is_one_to_one_and_of_most_pairs():
    true, predicted = strips(10, 10), strips(14, 6)
    assert match_labels(true, predicted, 0.5)[["true", "predicted"]].to_numpy().tolist() == [[1, 1], [2, 2]]
    assert match_labels(true, predicted, 0.7)["iou"].tolist() == pytest.approx([10 / 14])
    # greedily the pair of IoU 0.4 would go first and leave only one
    true = np.array([[1, 1, 1, 1, 2, 2, 0, 0]])
    predicted = np.array([[1, 1, 2, 2, 2, 0, 0, 0]])
    assert len(match_labels(true, predicted, 0.2)) == 2


def test_scores_by_hand():
    true = strips(10, 10, 10)  # one found well (10 / 12), one badly (8 / 10), one missed
    predicted = strips(12, 8)
    table = segmentation_scores([true], [predicted], [0.5, 0.81, 0.9]).set_index("threshold")
    assert table[["tp", "fp", "fn"]].to_numpy().tolist() == [[2, 0, 1], [1, 1, 2], [0, 2, 3]]
    assert table["precision"].tolist() == pytest.approx([1, 1 / 2, 0])
    assert table["recall"].tolist() == pytest.approx([2 / 3, 1 / 3, 0])
    assert table["f1"].tolist() == pytest.approx([4 / 5, 2 / 5, 0])
    assert table["ap"].tolist() == pytest.approx([2 / 3, 1 / 4, 0])
    assert table["mean_iou"][0.5] == pytest.approx((10 / 12 + 8 / 10) / 2)
    assert np.isnan(table["mean_iou"][0.9])
    assert table["pq"].tolist() == pytest.approx([(10 / 12 + 8 / 10) / 2.5, (10 / 12) / 2.5, 0])


def test_over_a_data_set_or_by_image():
    true = [strips(10, 10, 10), strips(10), strips()]
    predicted = [strips(10), strips(10), strips()]
    whole = segmentation_scores(true, predicted, [0.5]).iloc[0]
    each = segmentation_scores(true, predicted, [0.5], by_image=True).iloc[0]
    assert whole["ap"] == pytest.approx(2 / 4)
    assert each["ap"] == pytest.approx((1 / 3 + 1 + 1) / 3)  # nothing found where there is nothing is right
    assert (each["tp"], each["fp"], each["fn"]) == (2, 0, 2)
    assert each["mean_iou"] == 1
    missed = segmentation_scores([strips(), strips(9)], [strips(9), strips()], [0.5], by_image=True).iloc[0]
    assert (missed["ap"], missed["precision"], missed["recall"]) == (0, 0, 0)


def test_nothing_at_all_is_nan():
    for true in ([], [strips()]):
        table = segmentation_scores(true, true)
        assert len(table) == 10
        assert table[["precision", "recall", "f1", "ap", "mean_iou", "pq"]].isna().all(axis=None)
        assert (table[["tp", "fp", "fn"]] == 0).all(axis=None)
    with pytest.raises(ValueError, match="shorter"):
        segmentation_scores([strips(), strips()], [strips()])


def test_cells_in_the_ignore_region_are_dropped():
    labels = strips(10, 10, 10)
    ignore = np.zeros(labels.shape, bool)
    ignore[:, 15:] = True  # half of the second cell, the third
    assert np.unique(drop_ignored(labels, ignore)).tolist() == [0, 1, 2]
    ignore[:, 14] = True
    assert np.unique(drop_ignored(labels, ignore)).tolist() == [0, 1]
    assert labels.max() == 3
    np.testing.assert_array_equal(drop_ignored(labels, None), labels)
