"""Counting and classifying together: the objects of a counter, told apart by a classifier."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from neubauer.cells.table import Cells, CountEstimate
from neubauer.errors import InputError
from neubauer.images.source import ImageSource
from neubauer.models.classifier.config import UNKNOWN, ClassifierConfig
from neubauer.models.classifier.crops import to_square
from neubauer.models.classifier.predict import TrainedClassifier
from neubauer.models.counter.interval import LEVEL
from neubauer.models.shared.inputs import ImageLike, as_source, same_numbers

SURE = 1e-4
"""Objects whose class is surer than this add nothing to the spread of a count."""
CROPS = 1024
"""Crops in memory at a time."""


def refined_classes(config: ClassifierConfig, counted: Sequence[str], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Classes of a counter whose objects are classified: those wanted, else those that the classifier names, else all.

    Raises
    ------
    InputError : a wanted class is not one of the counter's.
    """
    for name in wanted or ():
        if name not in counted:
            raise InputError("classes to classify", repr(name), "one of " + ", ".join(counted))
    return tuple(wanted or ()) or tuple(n for n in counted if n in config.refines) or tuple(counted)


def classes_after(config: ClassifierConfig, counted: Sequence[str], refined: Sequence[str]) -> tuple[str, ...]:
    """Classes of the result: the counter's that are not refined, the classifier's, and `"unknown"`."""
    return tuple(dict.fromkeys([*(n for n in counted if n not in refined), *config.classes, UNKNOWN]))


def classify_cells(
    classifier: TrainedClassifier,
    cells: Cells,
    image: ImageLike,
    *,
    classes: Sequence[str] | None = None,
    diameter: float | None = None,
) -> Cells:
    """The cells of an image with the classes that a classifier gives them.

    Around each object a crop is cut and scaled so that the objects have the size that the classifier was trained on.

    Parameters
    ----------
    cells : what a counter found in the image.
    image : the image, a file or an array.
    classes : classes of the counter whose objects are classified; by default those that the classifier was made for,
        or all.
    diameter : typical diameter in pixels of these objects; by default the median of theirs or, where outlines are not
        measured, that by which the counter scaled the image.

    Returns
    -------
    Cells with the classifier's `class` and `probability`, what the counter had said in `object_class` and
    `object_probability`, and counts with intervals for every class (`refined_estimates`).

    Raises
    ------
    InputError : the image has other channels or another data type than the classifier's training images, or is not
        that of the cells.
    """
    config = classifier.config
    source = as_source(image, config.channels)
    if source.shape[1:] != tuple(cells.shape):
        raise InputError(
            source.path, f"{source.shape[1:]} pixels", f"{cells.shape}, the size of the image of the cells"
        )
    same_numbers(source, config.dtype)
    refined = refined_classes(config, cells.classes, classes)
    table = cells.table.assign(object_class=cells.table["class"], object_probability=cells.table["probability"])
    chosen = table["class"].isin(refined).to_numpy()
    objects = table[chosen]
    if diameter is None and len(objects):
        measured = "markers" not in str(cells.info.get("outlines", ""))
        by_counter = cells.info.get("diameter")
        diameter = float(objects["equivalent_diameter_area"].median()) if measured else float(str(by_counter))
    probabilities = np.zeros((0, len(config.classes)))
    if len(objects):
        assert diameter is not None
        scale = config.size / config.side * config.diameter / diameter
        centres = objects[["centroid-0", "centroid-1"]].to_numpy()
        parts = [
            classifier.probabilities(np.stack([cut(source, c, scale, config.size) for c in centres[i : i + CROPS]]))
            for i in range(0, len(centres), CROPS)
        ]
        probabilities = np.concatenate(parts)
        found = classifier.table([""] * len(objects), probabilities)
        table.loc[chosen, "class"] = found["class"].to_numpy()
        table.loc[chosen, "probability"] = found["probability"].round(4).to_numpy()
    return replace(
        cells,
        table=table,
        classes=classes_after(config, cells.classes, refined),
        estimates=refined_estimates(cells.estimates, table, refined, config, probabilities),
        region_estimates=_by_region(cells, table, chosen, refined, config, probabilities),
        info=cells.info | {"classified": list(refined), "classified_diameter": diameter},
    )


def cut(source: ImageSource, centre: np.ndarray, scale: float, size: int) -> np.ndarray:
    """(C, size, size) around a position (y, x), scaled; continued at the edges of the image."""
    reach = math.ceil(size / scale / 2) + 1
    middle = np.floor(centre).astype(int)
    low = np.maximum(middle - reach, 0)
    high = np.minimum(middle + reach + 1, source.shape[1:])
    pixels = source.region(int(low[0]), int(high[0]), int(low[1]), int(high[1]))
    before, after = low - (middle - reach), (middle + reach + 1) - high
    pixels = np.pad(pixels, [(0, 0), (before[0], after[0]), (before[1], after[1])], mode="edge")
    return to_square(pixels, scale, size)


def _by_region(
    cells: Cells,
    table: pd.DataFrame,
    chosen: np.ndarray,
    refined: Sequence[str],
    config: ClassifierConfig,
    probabilities: np.ndarray,
) -> list[dict[str, CountEstimate]]:
    """The same for each region, by the objects that lie in it."""
    if cells.regions is None:
        return []
    members = cells.regions.members(table[["centroid-0", "centroid-1"]].to_numpy())
    return [
        refined_estimates(estimates, table[inside], refined, config, probabilities[inside[chosen]])
        for estimates, inside in zip(cells.region_estimates, members.T, strict=True)
    ]


def refined_estimates(
    estimates: Mapping[str, CountEstimate],
    table: pd.DataFrame,
    refined: Sequence[str],
    config: ClassifierConfig,
    probabilities: np.ndarray,
) -> dict[str, CountEstimate]:
    """Counts per class with intervals, from the counter's.

    Two things are uncertain: how many objects there are (the counter's interval), and what each is. The number of
    objects of a class is a sum of independent draws with the classifier's calibrated probabilities (a Poisson-binomial
    distribution); the distance to its 5 and 95 % quantiles and the class's share of the counter's interval are combined
    as independent errors, by the root of the sum of squares. What is called unknown is a matter of the threshold and
    not of chance.
    """
    kept = {name: e for name, e in estimates.items() if name not in (*refined, "total")}
    n = len(probabilities)
    counted = [estimates[name] for name in refined if name in estimates] or [CountEstimate(n, n, n)]
    below = math.sqrt(sum((e.count - e.low) ** 2 for e in counted))
    above = math.sqrt(sum((e.high - e.count) ** 2 for e in counted))
    factor = sum(e.count for e in counted) / n if n else 1.0  # a density counts what no object stands for
    found = table.loc[table["object_class"].isin(refined), "class"].to_numpy()
    for name in (*config.classes, UNKNOWN):
        number = int((found == name).sum())
        low, high = number, number
        if name != UNKNOWN:
            low, high = draws_interval(probabilities[found != UNKNOWN, config.classes.index(name)])
        share = number / n if n else 1.0
        count = factor * number
        reach = math.hypot(factor * max(number - low, 0), share * below)
        over = math.hypot(factor * max(high - number, 0), share * above)
        other = kept.get(name, CountEstimate(0, 0, 0))  # the counter may know the class too
        kept[name] = CountEstimate(
            other.count + count, other.low + max(0, math.floor(count - reach)), other.high + math.ceil(count + over)
        )
    return kept | {name: e for name, e in estimates.items() if name == "total"}


def draws_interval(probabilities: np.ndarray, level: float = LEVEL) -> tuple[int, int]:
    """Quantiles of the number of successes of independent draws: the smallest central interval of whole numbers that
    holds at least `level` of the Poisson-binomial distribution.

    Parameters
    ----------
    probabilities : (N,) of success.
    """
    sure = int((probabilities > 1 - SURE).sum())
    distribution = np.ones(1)
    for p in probabilities[(probabilities > SURE) & (probabilities <= 1 - SURE)]:
        distribution = np.convolve(distribution, [1 - p, p])
    cumulative = distribution.cumsum()
    tail = (1 - level) / 2
    last = len(cumulative) - 1
    low = int(np.searchsorted(cumulative, tail, side="right"))
    high = int(np.searchsorted(cumulative, 1 - tail, side="left"))
    return sure + min(low, last), sure + min(high, last)
