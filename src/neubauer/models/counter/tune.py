"""Thresholds, probabilities, the way of counting and intervals of a counter, from validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from neubauer.layouts.decode import Thresholds
from neubauer.metrics.detection import assign, box_iou, match_points, outside
from neubauer.metrics.segmentation import match_labels
from neubauer.models.counter.config import Calibration, CountMethod
from neubauer.models.counter.interval import interval_width
from neubauer.models.counter.layout import Layout
from neubauer.models.counter.objects import Objects, boxes_of, find_objects, full_labels
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.shared.inputs import Annotated

CENTRES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7)
FOREGROUNDS = (0.3, 0.4, 0.5, 0.6)
IOUS = np.arange(0.5, 0.8, 0.05)
"""Stricter ones would have doubtful cells left out: what is drawn around them is not that exact."""
NEARLY = 0.02
"""Thresholds whose scores differ by less are as good as each other."""
MAX_CORRECTION = 1.25
USUAL_CORRECTION = 0.03
"""How far the density is off on average over images, before anything is known (standard deviation of the ratio)."""
USUAL_SCATTER = 0.05
"""How far single images are off beside that, before anything is known."""
CLEARLY = 0.9
"""The density counts only where its error is smaller by this factor: objects can be looked at, a density cannot. With
points it is the other way round: where one cell ends and the next begins was never shown, the density was."""
POINT_LIMIT = 0.5
"""A predicted point is right within this many cell diameters."""


@dataclass(frozen=True)
class Matched:
    """How the objects of one image fit its annotation: (N,) right or not; (K, levels, 3) TP, FP, FN of each class.

    Cells that are annotated without a class count for the class that they were given.
    """

    right: np.ndarray
    outcome: np.ndarray


def calibrate(
    counter: TrainedCounter, pairs: Sequence[Annotated], groups: Sequence[str] | None = None, by_objects: bool = False
) -> None:
    """Tune a counter, in place, on annotated images that it was not trained on; see `tune`."""
    estimated = len(set(counter.config.diameter_range)) > 1 and counter.scale_ is None
    for _ in range(2 if estimated else 1):  # the estimate of an image's scale depends on the thresholds
        counter.config_ = counter.config.model_copy(update={"calibration": tune(counter, pairs, groups, by_objects)})


def tune(
    counter: TrainedCounter, pairs: Sequence[Annotated], groups: Sequence[str] | None = None, by_objects: bool = False
) -> Calibration:
    """Calibrate a counter on annotated images that it was not trained on.

    Images of one of the `groups` (one slide, region or patient) are off together: they say as much about the density as
    one image does.

    Thresholds are those with the best mean over classes and strictness levels of TP / (TP + FP + FN): IoU .5 to .75 of
    masks and boxes, distance of points; among nearly equal ones those that miscount least. An object's probability is a
    logistic regression on its features (Platt 1999) of being a right cell of the right class. Each class is counted by
    its objects, unless the mean absolute error of the density is clearly smaller; where only points were learnt from,
    by the density, unless that of the objects is. With `by_objects` always by objects: on images of another kind than
    these the density is farther off.
    """
    from sklearn.linear_model import LogisticRegression

    config = counter.config
    spec_diameter = config.layout_diameter
    layouts = [counter.locate(p.source)[0] for p in pairs]
    best, best_score = _best_thresholds(pairs, layouts, len(config.classes), spec_diameter, config.extents)
    found = [find_objects(layout, best, spec_diameter) for layout in layouts]
    matched = [match(p, la, o, spec_diameter) for p, la, o in zip(pairs, layouts, found, strict=True)]
    right = np.concatenate([m.right for m in matched])
    features = np.concatenate([o.features for o in found])
    if 0 < right.sum() < len(right):
        model = LogisticRegression(C=1.0).fit(features, right)
        score = (float(model.intercept_[0]), float(model.coef_[0, 0]), float(model.coef_[0, 1]))
    else:  # all right or all wrong: Laplace's rule, the same for every object
        p = (right.sum() + 1) / (len(right) + 2)
        score = (float(np.log(p / (1 - p))), 0.0, 0.0)

    methods: dict[str, CountMethod] = {}
    widths: dict[str, float] = {}
    errors: dict[str, float] = {}
    factors: dict[str, float] = {}
    true, peaks, density = _counts(pairs, layouts, found, len(config.classes))
    _, group = np.unique([str(i) for i in range(len(pairs))] if groups is None else groups, return_inverse=True)
    limit = 0.0 if by_objects else CLEARLY if config.extents else 1 / CLEARLY
    for k, name in enumerate((*config.classes, "total")):
        # where no class is marked anywhere only the total can be checked
        column = k if np.isfinite(true[:, k]).any() else -1
        known = np.isfinite(true[:, column])
        whole = known & np.isfinite(density[:, column])
        factors[name] = _correction(*(_sums(v[whole, column], group[whole]) for v in (true, density)))
        corrected = density[:, column].copy()
        corrected[whole] *= _corrections_without(true[whole, column], density[whole, column], group[whole])
        estimates: dict[CountMethod, np.ndarray] = {"peaks": peaks[:, column], "density": corrected}
        mae = {
            m: float(np.abs(v - true[:, column])[whole].mean()) if whole.any() else 0.0 for m, v in estimates.items()
        }
        methods[name] = "density" if mae["density"] < limit * mae["peaks"] else "peaks"
        checked = whole if methods[name] == "density" else known
        widths[name] = interval_width(true[checked, column], estimates[methods[name]][checked])
        errors[f"count_mae_{name}"] = float(np.abs(estimates[methods[name]] - true[:, column])[checked].mean())
    density = np.nan_to_num(density[:, -1] * factors["total"], nan=np.inf)
    gap = np.abs(peaks[:, -1] - density) / np.sqrt(np.maximum(peaks[:, -1], 0) + 1)
    gap = gap[np.isfinite(gap)]
    total = np.sum([m.outcome.sum(0) for m in matched], 0)
    precision = total[0, 0] / max(total[0, 0] + total[0, 1], 1)
    recall = total[0, 0] / max(total[0, 0] + total[0, 2], 1)
    errors |= {"precision": precision, "recall": recall, "matching": best_score}
    return Calibration(
        centre=best.centre,
        foreground=best.foreground,
        score=score,
        count_method=methods,
        interval_width=widths,
        density_factor=factors,
        disagreement=max(1.0, 1.5 * float(gap.max(initial=0))),
        images=len(pairs),
        scores={name: round(float(value), 4) for name, value in errors.items()},
    )


def _best_thresholds(
    pairs: Sequence[Annotated], layouts: Sequence[Layout], n_classes: int, spec_diameter: float, extents: bool
) -> tuple[Thresholds, float]:
    """The thresholds with the best score, and it: the mean over the classes that occur and the strictness levels.

    Of those nearly as good the ones with the smallest error of the counts are taken.
    The thresholds of a class hardly touch the cells of another, so each class gets its own from the same decodings.
    """
    values = FOREGROUNDS if extents else (0.5,)
    score, miscount = np.zeros((2, len(CENTRES), len(values), n_classes))
    for i, j in product(range(len(CENTRES)), range(len(values))):
        thresholds = Thresholds((CENTRES[i],) * n_classes, (values[j],) * n_classes)
        total = np.zeros((n_classes, len(IOUS), 3))
        for pair, layout in zip(pairs, layouts, strict=True):
            objects = find_objects(layout, thresholds, spec_diameter)
            outcome = match(pair, layout, objects, spec_diameter).outcome
            miscount[i, j] += np.abs(outcome[:, 0, 1] - outcome[:, 0, 2])
            total += outcome
        score[i, j] = (total[..., 0] / np.maximum(total.sum(-1), 1)).mean(-1)
    occurs = total[..., 0].max(1) + total[..., 2].max(1) > 0
    by_class = score.reshape(-1, n_classes)
    good = by_class >= by_class.max(0) - NEARLY
    rank = np.where(good, miscount.reshape(-1, n_classes) - by_class, np.inf)  # the better one among equal counts
    i, j = np.unravel_index(rank.argmin(0), score.shape[:2])
    best = Thresholds(tuple(CENTRES[c] for c in i), tuple(values[f] for f in j))
    return best, float(by_class.max(0)[occurs].mean()) if occurs.any() else 0.0


def match(pair: Annotated, layout: Layout, objects: Objects, spec_diameter: float) -> Matched:
    """Compare objects with the annotation; objects whose centre lies in an ignored region do not count."""
    annotation = pair.annotation
    counted = outside(objects.centres, annotation.ignore)
    if annotation.labels is not None:
        chosen = match_labels(annotation.labels, full_labels(objects, layout))
        rows, columns, quality = chosen["true"] - 1, chosen["predicted"] - 1, chosen["iou"]
        rows, columns, quality = rows.to_numpy(), columns.to_numpy(), quality.to_numpy()
    elif annotation.boxes is not None:
        iou = box_iou(annotation.boxes, boxes_of(objects, layout))
        near = np.argwhere(iou >= IOUS[0])
        rows, columns = near[assign(near[:, 0], near[:, 1], 1 - iou[tuple(near.T)])].T
        quality = iou[rows, columns]
    else:
        limit = POINT_LIMIT * spec_diameter / layout.scale
        rows, columns = match_points(annotation.centres, objects.centres, limit).T
        quality = np.ones(len(rows))  # of points there are no degrees
    true_class = annotation.class_index.copy()
    if layout.class_probability.shape[0] == 1:
        true_class[:] = 0
    predicted_class = objects.class_index
    true_class[rows] = np.where(true_class[rows] < 0, predicted_class[columns], true_class[rows])
    same = true_class[rows] == predicted_class[columns]
    right = np.zeros(len(objects), bool)
    right[columns[same]] = True
    n_classes = layout.class_probability.shape[0]
    outcome = np.zeros((n_classes, len(IOUS), 3))
    found = np.bincount(predicted_class[counted], minlength=n_classes)
    wanted = np.bincount(true_class[true_class >= 0], minlength=n_classes)
    for i, level in enumerate(IOUS):
        hit = columns[same & (quality >= level) & counted[columns]]
        hits = np.bincount(predicted_class[hit], minlength=n_classes)
        outcome[:, i] = np.stack([hits, found - hits, wanted - hits], 1)
    return Matched(right, outcome)


def _correction(true: np.ndarray, density: np.ndarray) -> float:
    """By how much the density has to be multiplied.

    The ratio of the sums of true counts and densities of groups (Cochran 1977, section 6.4), drawn towards 1 as far as
    it is uncertain: with few groups, or with groups that disagree, it says more about them than about the network. 1
    where it is so far off that the density must be no good.
    """
    ratio = float(true.sum() / max(density.sum(), 1e-9))
    if not 1 / MAX_CORRECTION <= ratio <= MAX_CORRECTION:
        return 1.0
    n = len(true)
    if n < 2:
        return 1.0
    scatter = ((true - ratio * density) ** 2).sum() / (n - 1) / density.mean() ** 2
    # a sample of few groups may agree by chance: one group's worth of what is usual is added
    variance = ((n - 1) * scatter + USUAL_SCATTER**2) / n / n
    return 1 + (ratio - 1) * USUAL_CORRECTION**2 / (USUAL_CORRECTION**2 + float(variance))


def _corrections_without(true: np.ndarray, density: np.ndarray, group: np.ndarray) -> np.ndarray:
    """For each image, the correction that the other groups call for: what it would be off by if it were a new one."""
    rest = (group != g for g in group)
    return np.array([_correction(_sums(true[r], group[r]), _sums(density[r], group[r])) for r in rest])


def _sums(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """(G,) the sums of the values of each group that there is."""
    _, index = np.unique(group, return_inverse=True)
    return np.bincount(index, values)


def _counts(
    pairs: Sequence[Annotated], layouts: Sequence[Layout], found: Sequence[Objects], n_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """True, peak and density counts, each (images, classes + 1), the total last.

    NaN where not known: of the truth where cells have no class, of the density where a part of the image is ignored.
    """
    true, peaks, density = (np.full((len(pairs), n_classes + 1), np.nan) for _ in range(3))
    for i, (pair, layout, objects) in enumerate(zip(pairs, layouts, found, strict=True)):
        annotation = pair.annotation
        if n_classes == 1 or annotation.classes_known:
            true[i, :-1] = list(annotation.counts().values()) if n_classes > 1 else len(annotation)
        true[i, -1] = len(annotation)
        counted = outside(objects.centres, annotation.ignore)
        peaks[i, :-1] = np.bincount(objects.class_index[counted], minlength=n_classes)
        peaks[i, -1] = counted.sum()
        if annotation.ignore is None or not annotation.ignore.any():
            density[i] = [*layout.density_sums, layout.density_sums.sum()]
    return true, peaks, density
