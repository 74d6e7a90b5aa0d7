"""Cells -> layout -> cells must come back as they were."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import as_boxes, as_points, discs
from skimage.draw import polygon2mask

from neubauer.cells.annotation import Annotation
from neubauer.layouts.decode import enlarge, find_peaks, keep_only, large_enough, trim, vote
from neubauer.layouts.encode import encode
from neubauer.layouts.marks import marks_of_annotation
from neubauer.layouts.spec import LayoutSpec
from neubauer.metrics.segmentation import match_labels

DIAMETER = 14.0


def round_trip(annotation: Annotation, diameter: float = DIAMETER) -> np.ndarray:
    spec = LayoutSpec(annotation.classes, diameter)
    maps, _ = encode(marks_of_annotation(annotation, annotation.shape, diameter), spec)
    peaks = find_peaks(maps[spec.centre], 0.3, diameter)
    labels = vote(maps[spec.foreground], maps[spec.offset], peaks, 0.5, diameter)
    labels = trim(labels, maps[spec.foreground], np.full(len(peaks), 0.5))
    labels = keep_only(labels, large_enough(labels, len(peaks), diameter))
    return enlarge(labels, maps[spec.foreground], np.full(labels.max(), 0.5), annotation.shape, annotation.shape)


def mean_best_iou(true: np.ndarray, predicted: np.ndarray) -> float:
    return float(match_labels(true, predicted)["iou"].sum() / true.max())


def test_masks_come_back() -> None:
    _, annotation = discs(25, gap=0)
    assert annotation.labels is not None
    result = round_trip(annotation)
    assert result.max() == 25
    assert mean_best_iou(annotation.labels, result) > 0.93


def test_touching_and_bent_cells_come_back() -> None:
    """A rod bent into a U (its centroid lies outside) around a disc, and two halves of one square."""
    labels = np.zeros((96, 96), np.int32)
    labels[10:60, 10:18] = labels[10:60, 40:48] = labels[52:60, 10:48] = 1
    y, x = np.mgrid[:96, :96]
    labels[(y - 30) ** 2 + (x - 29) ** 2 < 64] = 2
    labels[70:90, 20:40], labels[70:90, 40:60] = 3, 4
    labels[polygon2mask((96, 96), [(5, 60), (40, 90), (45, 85), (10, 55)])] = 5
    annotation = Annotation("masks", labels.shape, ("cell",), np.zeros(5, np.int64), np.zeros((5, 2)), labels=labels)
    result = round_trip(annotation, 24.0)
    assert result.max() == 5
    assert mean_best_iou(labels, result) > 0.9


@pytest.mark.parametrize("kind", ["masks", "boxes", "points"])
def test_density_integrates_to_the_count_of_each_class(kind: str) -> None:
    _, annotation = discs(20)
    classes = ("a", "b")
    index = np.arange(20) % 2
    if kind == "boxes":
        annotation = as_boxes(annotation, index, classes)
    else:
        base = annotation if kind == "masks" else as_points(annotation)
        annotation = Annotation(base.kind, base.shape, classes, index, base.centres, labels=base.labels)
    spec = LayoutSpec(classes, DIAMETER)
    maps, known = encode(marks_of_annotation(annotation, annotation.shape, DIAMETER), spec)
    assert maps[spec.density].sum((1, 2)) == pytest.approx([10, 10], abs=0.01)
    assert known[spec.density].all()


def test_density_is_kept_at_the_border() -> None:
    annotation = Annotation("points", (64, 64), ("cell",), np.zeros(2, np.int64), np.array([[0.0, 0.0], [63.0, 30.0]]))
    spec = LayoutSpec(("cell",), DIAMETER)
    maps, _ = encode(marks_of_annotation(annotation, (64, 64), DIAMETER), spec)
    assert maps[spec.density].sum() == pytest.approx(2, abs=1e-3)


def test_what_an_annotation_does_not_know_is_ignored() -> None:
    _, masks = discs(5)
    spec = LayoutSpec(("cell",), DIAMETER)
    boxes = encode(marks_of_annotation(as_boxes(masks), masks.shape, DIAMETER), spec)[1]
    points = encode(marks_of_annotation(as_points(masks), masks.shape, DIAMETER), spec)[1]
    complete = encode(marks_of_annotation(masks, masks.shape, DIAMETER), spec)[1]
    assert complete[spec.foreground].all()
    assert 0 < (boxes[spec.foreground] == 0).mean() < (points[spec.foreground] == 0).mean() < 0.5

    ignore = np.zeros(masks.shape, bool)
    ignore[:64] = True
    partly = Annotation(
        "masks", masks.shape, ("cell",), masks.class_index, masks.centres, labels=masks.labels, ignore=ignore
    )
    known = encode(marks_of_annotation(partly, masks.shape, DIAMETER), spec)[1]
    assert not known[:, :32].any()
    assert known[spec.foreground, 32:].all()


def test_borders_weigh_more() -> None:
    masks = np.zeros((64, 96), np.int32)
    masks[20:44, 8:32] = 1  # alone
    masks[20:44, 48:64] = 2
    masks[20:44, 64:80] = 3
    spec = LayoutSpec(("cell",), DIAMETER)
    annotation = Annotation("masks", masks.shape, ("cell",), np.zeros(3, np.int64), np.zeros((3, 2)), labels=masks)
    known = encode(marks_of_annotation(annotation, masks.shape, DIAMETER), spec, border_weight=3)[1]
    assert (known[spec.centre, 12:20, 31:33] > 1).all()
    assert (known[spec.foreground, 12:20, [3, 4, 15, 16]] > 1).all()
    assert (known[spec.foreground, 12:20, 8:12] == 1).all()
    assert (known[spec.foreground, :6] == 1).all()
    assert (known[spec.density] == 1).all()


def test_unknown_classes_are_not_taught() -> None:
    _, masks = discs(4)
    index = np.array([0, 1, -1, 1])
    annotation = Annotation("masks", masks.shape, ("a", "b"), index, masks.centres, labels=masks.labels)
    spec = LayoutSpec(("a", "b"), DIAMETER)
    _, known = encode(marks_of_annotation(annotation, masks.shape, DIAMETER), spec)
    assert masks.labels is not None
    own = masks.labels[::2, ::2]
    assert not known[spec.class_maps][:, own == 3].any()
    assert known[spec.class_maps][:, own == 2].all()
    assert not known[spec.density].any()


def test_empty_images_have_no_cells() -> None:
    annotation = Annotation(
        "masks", (32, 32), ("cell",), np.zeros(0, np.int64), np.zeros((0, 2)), labels=np.zeros((32, 32), np.int32)
    )
    assert round_trip(annotation).max() == 0


def test_bands_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    _, annotation = discs(40, size=192)
    whole = round_trip(annotation)
    monkeypatch.setattr("neubauer.layouts.decode.BAND", 13)
    assert (round_trip(annotation) == whole).all()
