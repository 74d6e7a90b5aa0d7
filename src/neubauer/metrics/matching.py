"""One-to-one matching of predicted to true cells."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree


def label_iou(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Intersection over union of all pairs of instances.

    Parameters
    ----------
    true, predicted : (Y, X) labels 0..N and 0..M; labels without pixels give rows or columns of zeros.

    Returns
    -------
    (N, M) float64
    """
    n, m = int(true.max(initial=0)), int(predicted.max(initial=0))
    pairs = np.bincount(true.ravel().astype(np.int64) * (m + 1) + predicted.ravel(), minlength=(n + 1) * (m + 1))
    overlap = pairs.reshape(n + 1, m + 1)
    union = overlap.sum(1)[1:, None] + overlap.sum(0)[None, 1:] - overlap[1:, 1:]
    return overlap[1:, 1:] / np.maximum(union, 1)


def box_iou(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(N, M) intersection over union of boxes (N, 4) and (M, 4), each y0, x0, y1, x1."""
    low = np.maximum(true[:, None, :2], predicted[None, :, :2])
    high = np.minimum(true[:, None, 2:], predicted[None, :, 2:])
    overlap = np.clip(high - low, 0, None).prod(2)
    area_true = (true[:, 2:] - true[:, :2]).prod(1)
    area_predicted = (predicted[:, 2:] - predicted[:, :2]).prod(1)
    return overlap / np.maximum(area_true[:, None] + area_predicted[None] - overlap, 1e-9)


def match_by_overlap(iou: np.ndarray, threshold: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the one-to-one matching with the largest total overlap (Hungarian method, Kuhn 1955), above the threshold."""
    rows, columns = linear_sum_assignment(-iou)
    good = (iou[rows, columns] >= threshold) & (iou[rows, columns] > 0)
    return rows[good], columns[good]


def match_by_distance(true: np.ndarray, predicted: np.ndarray, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices of matched points (N, 2) and (M, 2), no farther apart than `limit`: as many pairs as greedy nearest-first matching gives."""
    if not len(true) or not len(predicted):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    near = cKDTree(true).sparse_distance_matrix(cKDTree(predicted), limit, output_type="ndarray")
    near = near[np.argsort(near["v"], kind="stable")]
    used_true, used_predicted = np.zeros(len(true), bool), np.zeros(len(predicted), bool)
    pairs = []
    for i, j, _ in near:
        if not used_true[i] and not used_predicted[j]:
            used_true[i] = used_predicted[j] = True
            pairs.append((i, j))
    rows, columns = np.array(pairs, np.int64).reshape(-1, 2).T
    return rows, columns
