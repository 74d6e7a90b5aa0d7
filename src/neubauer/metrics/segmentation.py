"""How well instances are outlined: label images against label images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from neubauer.cells.pixel_runs import find_runs
from neubauer.metrics.detection import assign

THRESHOLDS = tuple(round(0.5 + 0.05 * i, 2) for i in range(10))


def overlaps(true: np.ndarray, predicted: np.ndarray) -> pd.DataFrame:
    """All pairs of true and predicted cells that share pixels.

    Parameters
    ----------
    true, predicted : (Y, X) int label images, 0 is background; labels may have gaps.

    Returns
    -------
    One row per pair: labels `true` and `predicted`, `pixels` they share, and `iou`, their intersection over union.

    Raises
    ------
    ValueError : the shapes differ.
    """
    if true.shape != predicted.shape:
        raise ValueError(f"label images of the shapes {true.shape} and {predicted.shape}")
    t, t_area = _areas(true)
    p, p_area = _areas(predicted)
    both = (true != 0) & (predicted != 0)
    a, b = true[both], predicted[both]
    # neighbours mostly agree: only where one of them changes a look-up is needed
    start = np.flatnonzero((np.diff(a, prepend=0) != 0) | (np.diff(b, prepend=0) != 0))
    length = np.diff(start, append=len(a))
    key = np.searchsorted(t, a[start]).astype(np.int64) * max(len(p), 1) + np.searchsorted(p, b[start])
    pair, which = np.unique(key, return_inverse=True)
    pixels = np.bincount(which, length, len(pair)).astype(np.int64)
    i, j = np.divmod(pair, max(len(p), 1))
    iou = pixels / (t_area[i] + p_area[j] - pixels)
    return pd.DataFrame({"true": t[i], "predicted": p[j], "pixels": pixels, "iou": iou})


def match_labels(true: np.ndarray, predicted: np.ndarray, threshold: float = 0.5) -> pd.DataFrame:
    """Pair true and predicted cells whose IoU is at least `threshold`, one to one.

    As many pairs as possible, with the greatest sum of IoU, by the Hungarian method, as StarDist's `matching` does it;
    above 0.5 there is no choice (Kirillov et al., "Panoptic segmentation", CVPR 2019, §4.1).

    Returns
    -------
    The rows of `overlaps` that were chosen.
    """
    table = overlaps(true, predicted)
    return _choose(table, threshold)


def segmentation_scores(
    true: Iterable[np.ndarray],
    predicted: Iterable[np.ndarray],
    thresholds: Sequence[float] = THRESHOLDS,
    by_image: bool = False,
) -> pd.DataFrame:
    """Scores of instance segmentation over images, at several IoU thresholds.

    `ap` is TP / (TP + FP + FN), the average precision of the Data Science Bowl 2018 (Caicedo et al., Nature Methods
    16:1247, 2019) and of StarDist (Schmidt et al., MICCAI 2018, §3) - not the area below a precision-recall curve.
    `pq` is the panoptic quality: the sum of the IoU of the pairs over TP + FP / 2 + FN / 2 (Kirillov et al., CVPR 2019,
    eq. 1). The mean of `ap` over 0.5 ... 0.95, by image, is the score of that bowl.

    Parameters
    ----------
    true, predicted : (Y, X) label images, taken one pair at a time.
    thresholds : of the IoU.
    by_image : False: TP, FP and FN are summed over all images first (`matching_dataset` of StarDist). True: ratios are
        computed per image, then averaged; where both label images are empty, nothing is wrong, and each ratio is 1.

    Returns
    -------
    One row per threshold: `threshold`, `tp`, `fp`, `fn` (sums), `precision`, `recall`, `f1`, `ap`, `mean_iou` (of the
    pairs), `pq`; NaN where the divisor is 0.

    Raises
    ------
    ValueError : the shapes of a pair or the numbers of images differ.
    """
    counts = []  # (images, thresholds, [tp, fp, fn, sum of iou])
    for t, p in zip(true, predicted, strict=True):
        table = overlaps(t, p)
        n_true, n_predicted = len(_areas(t)[0]), len(_areas(p)[0])
        chosen = [_choose(table, threshold) for threshold in thresholds]
        counts.append([(len(c), n_predicted - len(c), n_true - len(c), c["iou"].sum()) for c in chosen])
    array = np.array(counts, np.float64).reshape(-1, len(thresholds), 4)
    total = array.sum(axis=0)
    ratios = _ratios(total)
    if by_image and len(array):
        # the IoU of no pairs says nothing; all other ratios of two empty label images are perfect
        each = [_ratios(image, of_nothing=1.0) for image in array]
        for name in ratios:
            values = np.stack([ratio[name] for ratio in each])
            known = ~np.isnan(values)
            sums, n = np.where(known, values, 0).sum(axis=0), known.sum(axis=0)
            ratios[name] = np.divide(sums, n, out=np.full(len(thresholds), np.nan), where=n > 0)
    tp, fp, fn = total[:, :3].astype(np.int64).T
    return pd.DataFrame({"threshold": list(thresholds), "tp": tp, "fp": fp, "fn": fn, **ratios})


def drop_ignored(labels: np.ndarray, ignore: np.ndarray | None) -> np.ndarray:
    """A copy of a label image without the cells of which more than half lies in the ignore region.

    Parameters
    ----------
    labels : (Y, X) int.
    ignore : (Y, X) bool, or None.
    """
    if ignore is None:
        return labels.copy()
    ids, area = _areas(labels)
    hidden = np.bincount(np.searchsorted(ids, labels[ignore & (labels != 0)]), minlength=len(ids))
    return np.where(np.isin(labels, ids[2 * hidden > area]), 0, labels)


def _choose(table: pd.DataFrame, threshold: float) -> pd.DataFrame:
    candidates = table[table["iou"] >= threshold]
    rows, columns = (np.unique(candidates[c], return_inverse=True)[1] for c in ("true", "predicted"))
    return candidates.iloc[assign(rows, columns, 1 - candidates["iou"].to_numpy())]


def _areas(labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Labels, ascending, and their numbers of pixels."""
    runs = find_runs(labels)
    ids, which = np.unique(runs.label, return_inverse=True)
    return ids, np.bincount(which, runs.length, len(ids)).astype(np.int64)


def _ratios(counts: np.ndarray, of_nothing: float = float("nan")) -> dict[str, np.ndarray]:
    tp, fp, fn, iou = counts.T

    def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        empty = tp + fp + fn == 0
        return np.divide(a, b, out=np.where(empty, of_nothing, np.nan), where=b > 0)

    return {
        "precision": ratio(tp, tp + fp),
        "recall": ratio(tp, tp + fn),
        "f1": ratio(2 * tp, 2 * tp + fp + fn),
        "ap": ratio(tp, tp + fp + fn),
        "mean_iou": np.divide(iou, tp, out=np.full_like(tp, np.nan), where=tp > 0),
        "pq": ratio(iou, tp + (fp + fn) / 2),
    }
