"""How good is a counter on annotated images?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from neubauer.errors import InputError
from neubauer.layouts.decode import Thresholds
from neubauer.metrics.calibration import expected_calibration_error
from neubauer.metrics.counting import count_errors, interval_coverage
from neubauer.metrics.detection import (
    Boxes,
    match_boxes,
    match_masks,
    match_points,
    mean_average_precision,
    outside,
    precision_recall_f1,
)
from neubauer.metrics.segmentation import drop_ignored, segmentation_scores
from neubauer.models.counter.missing import without_missing
from neubauer.models.counter.objects import Objects, boxes_of, find_objects, full_labels
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.counter.tune import POINT_LIMIT, match
from neubauer.models.shared.inputs import Annotated, as_source

LOW_CENTRE = 0.05
"""Average precision also needs objects that the counter would not report: those with peaks from this height on."""

Scores = dict[str, dict[str, float]]


@dataclass(frozen=True)
class Seen:
    """What is kept of one image: counts, interval ends, matches by centre, boxes, labels."""

    true: dict[str, float]
    count: dict[str, tuple[float, float, float]]
    outcome: dict[str, np.ndarray]
    true_boxes: Boxes | None
    boxes: Boxes | None
    labels: tuple[np.ndarray, np.ndarray] | None
    probability: np.ndarray
    right: np.ndarray


def evaluate_counter(
    counter: TrainedCounter,
    pairs: Sequence[Annotated],
    *,
    diameter: float | None = None,
    report: Callable[[int], None] | None = None,
) -> tuple[Scores, dict[str, str]]:
    """Scores per class and, under `"total"`, regardless of class.

    Counts: `mae`, `rmse`, `bias`, `mape`, `r2` over images, `interval_coverage` and `interval_width`. Cells:
    `precision`, `recall`, `f1` of centres (a predicted centre is right within the true mask or box, or half a cell
    diameter from the true point). Boxes: `ap50` per class, its mean under `"total"`. Masks: `ap` at IoU .5, .75 and the
    mean over .5 ... .95, of TP / (TP + FP + FN) summed over the images (`..._by_image`: averaged over them).
    `calibration_error` of the probabilities. What an image does not say (counts where a part of it is ignored, those of
    a class where cells have none) is not scored.

    Parameters
    ----------
    counter : trained.
    pairs : images with annotations of one kind, their classes those of the counter.
    diameter : as in `predict`.
    report : called after each image with the number done.

    Returns
    -------
    scores, failed : `failed` maps names of images that could not be read to the reasons.

    Raises
    ------
    InputError : no image could be evaluated.
    """
    seen: list[Seen] = []
    failed: dict[str, str] = {}
    for i, pair in enumerate(pairs):
        try:
            seen.append(look(counter, pair, diameter))
        except InputError as error:
            failed[pair.source.name] = str(error)
        if report:
            report(i + 1)
    return scores_of(seen, counter.config.classes, failed), failed


def scores_of(seen: Sequence[Seen], classes: Sequence[str], failed: Mapping[str, str]) -> Scores:
    """The scores of `evaluate_counter`, from what was kept of each image; `failed` are reasons why others were not.

    Raises
    ------
    InputError : nothing was kept.
    """
    if not seen:
        reasons = "; ".join(failed.values()) or "there are none"
        raise InputError("images", f"none that could be evaluated ({reasons})", "at least one readable annotated image")
    scores: Scores = {}
    for name in (*classes, "total") if len(classes) > 1 else ("total",):
        known = [s for s in seen if np.isfinite(s.true[name])]
        true = [s.true[name] for s in known]
        count, low, high = (np.array([s.count[name][i] for s in known]) for i in range(3))
        scores[name] = count_errors(true, count)
        coverage = interval_coverage(true, low, high)
        scores[name] |= {f"interval_{k}": v for k, v in coverage.items() if k != "n"}
        scores[name] |= precision_recall_f1(*(int(n) for n in np.sum([s.outcome[name] for s in seen], 0)))
    boxes = [(s.true_boxes, s.boxes) for s in seen if s.true_boxes is not None and s.boxes is not None]
    if boxes:
        ap = mean_average_precision([t for t, _ in boxes], [b for _, b in boxes], classes, method="all-point")
        for name in classes:
            scores.setdefault(name if len(classes) > 1 else "total", {})["ap50"] = ap[name]
        scores["total"]["ap50"] = ap["mean"]
    labels = [s.labels for s in seen if s.labels is not None]
    if labels:
        for suffix, by_image in (("", False), ("_by_image", True)):
            table = segmentation_scores([t for t, _ in labels], [p for _, p in labels], by_image=by_image)
            ap_at = table.set_index("threshold")["ap"]
            scores["total"] |= {f"ap50{suffix}": ap_at[0.5], f"ap75{suffix}": ap_at[0.75], f"ap{suffix}": ap_at.mean()}
    right, probability = (np.concatenate([getattr(s, n) for s in seen]) for n in ("right", "probability"))
    if len(right):
        scores["total"]["calibration_error"] = expected_calibration_error(probability, right)
    return {group: {k: float(v) for k, v in s.items()} for group, s in scores.items()}


def look(counter: TrainedCounter, pair: Annotated, diameter: float | None = None) -> Seen:
    """What a counter says of an annotated image, beside the truth.

    Raises
    ------
    InputError : the image cannot be read, or has other channels.
    """
    config, annotation = counter.config, pair.annotation
    source = as_source(pair.source, config.channels)
    layout, objects, _ = counter.locate(source, diameter=diameter)
    true = {k: float(v) for k, v in annotation.counts().items()} | {"total": float(len(annotation))}
    if annotation.ignore is not None and annotation.ignore.any():
        true = dict.fromkeys(true, float("nan"))
    elif not annotation.classes_known:
        true |= dict.fromkeys(config.classes, float("nan"))
    estimates = counter.counts(layout).estimates(objects.class_index, layout.density_sums)
    outcome = _by_centres(counter, pair, objects, layout.scale)
    true_boxes, boxes, labels = None, None, None
    if annotation.kind == "boxes" and annotation.boxes is not None:
        true_boxes = Boxes(annotation.boxes, annotation.class_index)
        thresholds = Thresholds((LOW_CENTRE,) * len(config.classes), counter.thresholds.foreground)
        every = without_missing(find_objects(layout, thresholds, config.layout_diameter), layout, source)
        score = counter.probability(every) * every.class_probability.max(1, initial=0)
        boxes = Boxes(boxes_of(every, layout), every.class_index, score)
    if annotation.labels is not None:
        predicted = drop_ignored(full_labels(objects, layout), annotation.ignore)
        labels = (annotation.labels, predicted)
    matched = match(pair, layout, objects, config.layout_diameter)
    counted = outside(objects.centres, annotation.ignore)
    return Seen(
        true,
        {name: (e.count, e.low, e.high) for name, e in estimates.items()},
        outcome,
        true_boxes,
        boxes,
        labels,
        counter.probability(objects)[counted],
        matched.right[counted],
    )


def _by_centres(counter: TrainedCounter, pair: Annotated, objects: Objects, scale: float) -> dict[str, np.ndarray]:
    """TP, FP, FN of centres, per class and in total."""
    config, annotation = counter.config, pair.annotation
    counted = outside(objects.centres, annotation.ignore)
    result = {}
    for k, name in enumerate((*config.classes, "total")):
        mine, theirs = counted, np.ones(len(annotation), bool)
        if name != "total" and not annotation.classes_known:
            result[name] = np.zeros(3, int)
            continue
        if name != "total" and len(config.classes) > 1:
            mine, theirs = counted & (objects.class_index == k), annotation.class_index == k
        centres = objects.centres[mine]
        if annotation.labels is not None:
            kept = np.where(np.append(False, theirs)[annotation.labels], annotation.labels, 0)
            pairs = match_masks(kept, centres)
        elif annotation.boxes is not None:
            pairs = match_boxes(annotation.boxes[theirs], centres)
        else:
            limit = POINT_LIMIT * config.layout_diameter / scale
            pairs = match_points(annotation.centres[theirs], centres, limit)
        result[name] = np.array([len(pairs), mine.sum() - len(pairs), theirs.sum() - len(pairs)])
    return result
