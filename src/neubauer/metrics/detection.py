"""Which cells were found: matching of points and boxes, precision and recall, average precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from neubauer.cells.convert import labels_to_points


def match_points(true: np.ndarray, predicted: np.ndarray, max_distance: float) -> np.ndarray:
    """Pair true and predicted centres that are no more than `max_distance` apart.

    As many pairs as possible are made, with the least sum of distances (Hungarian method).

    Parameters
    ----------
    true, predicted : (N, 2) and (M, 2) `y, x`.
    max_distance : in the unit of the points.

    Returns
    -------
    (K, 2) int : index into `true`, index into `predicted`, each at most once.
    """
    true, predicted = _points(true), _points(predicted)
    near = cKDTree(true).sparse_distance_matrix(cKDTree(predicted), max_distance, output_type="ndarray")
    return _pairs(near["i"], near["j"], near["v"])


def match_boxes(true_boxes: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Pair true boxes with predicted centres that lie in them; where there is a choice, nearest to the middle.

    Parameters
    ----------
    true_boxes : (N, 4) `y0, x0, y1, x1`, half-open, pixel (0, 0) covering 0 ... 1.
    predicted : (M, 2) `y, x`, pixel centres having whole coordinates.

    Returns
    -------
    (K, 2) int : index into `true_boxes`, index into `predicted`, each at most once.
    """
    boxes, points = _boxes(true_boxes), _points(predicted) + 0.5
    rows, columns = [], []
    order = np.argsort(points[:, 0], kind="stable")
    y = points[order, 0]
    for i, (y0, x0, y1, x1) in enumerate(boxes):
        near = order[np.searchsorted(y, y0) : np.searchsorted(y, y1)]
        inside = near[(points[near, 1] >= x0) & (points[near, 1] < x1)]
        rows.append(np.full(len(inside), i))
        columns.append(inside)
    r = np.concatenate([*rows, np.zeros(0, np.int64)]).astype(np.int64)
    c = np.concatenate([*columns, np.zeros(0, np.int64)]).astype(np.int64)
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return _pairs(r, c, np.linalg.norm(middle[r] - points[c], axis=1))


def match_masks(true_labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Pair true masks with predicted centres that lie in them; of several the one nearest to the centroid.

    Parameters
    ----------
    true_labels : (Y, X) int, cells 1 ... N.
    predicted : (M, 2) `y, x`; a centre outside of the image is in no mask.

    Returns
    -------
    (K, 2) int : label - 1, index into `predicted`, each at most once.
    """
    points = _points(predicted)
    pixel = np.rint(points).astype(np.int64)
    inside = np.flatnonzero(((pixel >= 0) & (pixel < true_labels.shape)).all(axis=1))
    label = true_labels[pixel[inside, 0], pixel[inside, 1]].astype(np.int64)
    hit, label = inside[label > 0], label[label > 0]
    centroid = labels_to_points(true_labels)[label - 1]
    return _pairs(label - 1, hit, np.linalg.norm(centroid - points[hit], axis=1))


def outside(points: np.ndarray, ignore: np.ndarray | None) -> np.ndarray:
    """Which points are not in the ignore region: (N,) bool. What was found in the region is neither right nor wrong.

    Parameters
    ----------
    points : (N, 2) `y, x` in pixels.
    ignore : (Y, X) bool, or None.
    """
    points = _points(points)
    if ignore is None:
        return np.ones(len(points), bool)
    pixel = np.clip(np.rint(points).astype(np.int64), 0, np.array(ignore.shape) - 1)
    return ~ignore[pixel[:, 0], pixel[:, 1]]


def precision_recall_f1(tp: int, fp: int, fn: int) -> dict[str, float]:
    """Precision TP / (TP + FP), recall TP / (TP + FN) and F1 2 TP / (2 TP + FP + FN); NaN where the divisor is 0."""

    def ratio(a: float, b: float) -> float:
        return a / b if b else float("nan")

    return {"precision": ratio(tp, tp + fp), "recall": ratio(tp, tp + fn), "f1": ratio(2 * tp, 2 * tp + fp + fn)}


@dataclass(frozen=True)
class Boxes:
    """Boxes of one image: `boxes` (N, 4) `y0, x0, y1, x1`; `class_index` (N,) int; `scores` (N,), of predictions."""

    boxes: np.ndarray
    class_index: np.ndarray
    scores: np.ndarray | None = None


def box_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Intersection over union of all pairs: (N, 4) and (M, 4) `y0, x0, y1, x1` to (N, M). Boxes without area have 0."""
    a, b = _boxes(a), _boxes(b)
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    intersection = np.clip(high - low, 0, None).prod(axis=2)
    area_a, area_b = ((box[:, 2:] - box[:, :2]).prod(axis=1) for box in (a, b))
    union = area_a[:, None] + area_b[None] - intersection
    return np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)


def average_precision(
    true: Sequence[np.ndarray],
    predicted: Sequence[np.ndarray],
    scores: Sequence[np.ndarray],
    iou: float = 0.5,
    method: Literal["all-point", "101-point"] = "101-point",
) -> float:
    """Average precision of one class over all images.

    In the order of falling scores (over all images) each prediction takes the true box of its image that is still free
    and overlaps it most, if their IoU is at least `iou`; with that it is right, else wrong. Precision is made monotone
    from the right. `all-point` is the area below it over recall (PASCAL VOC since 2010; Everingham et al., IJCV 111:98,
    2015, §3.2.1); `101-point` its mean at recalls 0, 0.01 ... 1 (COCO, Lin et al., ECCV 2014; `pycocotools`).

    Parameters
    ----------
    true, predicted : per image (N, 4) boxes `y0, x0, y1, x1`.
    scores : per image (N,), of the predictions.
    iou : least overlap.
    method : how the curve is averaged.

    Returns
    -------
    0 ... 1; NaN if there is no true box.

    Raises
    ------
    ValueError : the numbers of images or of scores differ, or a score is NaN.
    """
    n_true = sum(len(t) for t in true)
    right = [_right(t, p, s, iou) for t, p, s in zip(true, predicted, scores, strict=True)]
    if n_true == 0:
        return float("nan")
    score = np.concatenate([np.asarray(s, np.float64) for s in scores])
    order = np.argsort(-score, kind="stable")
    tp = np.cumsum(np.concatenate(right)[order])
    recall, precision = tp / n_true, tp / np.arange(1, len(tp) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    if method == "all-point":
        return float(np.sum(np.diff(recall, prepend=0) * precision))
    at = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(np.append(precision, 0)[at].mean())


def mean_average_precision(
    true: Sequence[Boxes],
    predicted: Sequence[Boxes],
    classes: Sequence[str],
    iou: float = 0.5,
    method: Literal["all-point", "101-point"] = "101-point",
) -> dict[str, float]:
    """Average precision of each class, and under `"mean"` their mean over the classes that occur (mAP).

    Parameters
    ----------
    true, predicted : one per image; predictions with scores.
    classes : names, in the order of `class_index`.
    iou, method : see `average_precision`.

    Raises
    ------
    ValueError : the numbers of images differ, or predictions have no scores.
    """
    if any(p.scores is None for p in predicted):
        raise ValueError("predicted boxes without scores")
    result: dict[str, float] = {}
    for k, name in enumerate(classes):
        result[name] = average_precision(
            [t.boxes[t.class_index == k] for t in true],
            [p.boxes[p.class_index == k] for p in predicted],
            [p.scores[p.class_index == k] for p in predicted if p.scores is not None],
            iou,
            method,
        )
    known = [value for value in result.values() if not np.isnan(value)]
    result["mean"] = float(np.mean(known)) if known else float("nan")
    return result


def assign(rows: np.ndarray, columns: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Choose pairs so that as many as possible are chosen, and among those choices the cheapest.

    The Hungarian method (`scipy.optimize.linear_sum_assignment`) is run on each connected component of the graph of
    candidates by itself: exact, and for cells, which only touch their neighbours, fast with tens of thousands.

    Parameters
    ----------
    rows, columns : (K,) int, the candidate pairs; each pair at most once.
    cost : (K,) float, finite and not negative.

    Returns
    -------
    (M,) int : indices of the chosen candidates, ascending; each row and each column occurs at most once.
    """
    if not len(rows):
        return np.zeros(0, np.int64)
    n_rows, n_columns = int(rows.max()) + 1, int(columns.max()) + 1
    graph = coo_array((np.ones(len(rows)), (rows, columns + n_rows)), shape=(n_rows + n_columns,) * 2)
    component = connected_components(graph, directed=False)[1][rows]
    alone = np.bincount(component)[component] == 1
    chosen = [np.flatnonzero(alone)]
    others = np.flatnonzero(~alone)
    others = others[np.argsort(component[others], kind="stable")]
    for edges in np.split(others, np.flatnonzero(np.diff(component[others])) + 1) if len(others) else ():
        ids_r, r = np.unique(rows[edges], return_inverse=True)
        ids_c, c = np.unique(columns[edges], return_inverse=True)
        size = min(len(ids_r), len(ids_c))
        # a pair that is no candidate costs more than any choice of candidates, so that the most are chosen
        forbidden = (float(cost[edges].max()) + 1) * (size + 1)
        matrix = np.full((len(ids_r), len(ids_c)), forbidden)
        which = np.full(matrix.shape, -1, np.int64)
        matrix[r, c] = cost[edges]
        which[r, c] = edges
        picked = which[linear_sum_assignment(matrix)]
        chosen.append(picked[picked >= 0])
    return np.sort(np.concatenate(chosen))


def _right(true: np.ndarray, predicted: np.ndarray, scores: np.ndarray, iou: float) -> np.ndarray:
    """Which predictions of one image are right: (M,) bool."""
    scores = np.asarray(scores, np.float64)
    if len(scores) != len(predicted) or np.isnan(scores).any():
        raise ValueError(f"{len(predicted)} boxes with {len(scores)} scores, of which {np.isnan(scores).sum()} NaN")
    right = np.zeros(len(predicted), bool)
    overlap = box_iou(predicted, true)
    if overlap.size:
        for i in np.argsort(-scores, kind="stable"):
            best = int(overlap[i].argmax())
            if overlap[i, best] >= iou:
                right[i] = True
                overlap[:, best] = -1  # taken
    return right


def _pairs(rows: np.ndarray, columns: np.ndarray, cost: np.ndarray) -> np.ndarray:
    rows, columns = np.asarray(rows, np.int64), np.asarray(columns, np.int64)
    chosen = assign(rows, columns, np.asarray(cost, np.float64))
    return np.stack([rows[chosen], columns[chosen]], axis=1)


def _points(points: np.ndarray) -> np.ndarray:
    return np.asarray(points, np.float64).reshape(-1, 2)


def _boxes(boxes: np.ndarray) -> np.ndarray:
    return np.asarray(boxes, np.float64).reshape(-1, 4)
