"""How far a counter that saw no annotation can be trusted: numbers that need none either."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neubauer.metrics.detection import match_points
from neubauer.models.counter.config import Calibration
from neubauer.models.counter.interval import unit
from neubauer.models.labelfree.crops import Found

LIMITS = {
    "density_difference": 0.15,
    "cycle_f1": 0.75,
    "seeds_f1": 0.85,
    "seeds_count_difference": 0.12,
    "population_diameter": 0.15,
    "population_coverage": 0.08,
    "images_without_cells": 0.5,
}
"""Beyond these (below, for F1) a number is a reason for doubt."""
MEANING = {
    "density_difference": "objects and densities give different counts",
    "cycle_f1": "cells painted again are not found again",
    "seeds_f1": "two seeds find different cells",
    "seeds_count_difference": "two seeds count differently",
    "population_diameter": "cells of other sizes are found than were simulated",
    "population_coverage": "other densities are found than were simulated",
    "images_without_cells": "nothing is found in many images",
}


def agreement(a: Sequence[Found], b: Sequence[Found], diameter: float) -> float:
    """F1 of the centres of two findings in the same images; a match is nearer than half a cell diameter."""
    both = n = 0
    for x, y in zip(a, b, strict=True):
        both += len(match_points(x.objects.centres, y.objects.centres, diameter / 2))
        n += len(x.objects) + len(y.objects)
    return 2 * both / n if n else float("nan")


def counts(found: Sequence[Found]) -> np.ndarray:
    """(I,) objects of each image."""
    return np.array([float(len(f.objects)) for f in found])


def density_difference(found: Sequence[Found]) -> float:
    """Mean difference of the counts by density and by objects, over the mean count."""
    density = np.array([float(f.layout.density_sums.sum()) for f in found])
    return float(np.abs(density - counts(found)).mean() / max(counts(found).mean(), 1))


def count_difference(a: Sequence[Found], b: Sequence[Found]) -> float:
    """Mean difference of two counts of the same images, over the mean count."""
    return float(np.abs(counts(a) - counts(b)).mean() / max((counts(a).mean() + counts(b).mean()) / 2, 1))


def doubts(numbers: dict[str, float]) -> list[str]:
    """Reasons not to trust the counter; empty where there are none."""
    reasons = []
    for name, limit in LIMITS.items():
        value = numbers.get(name, float("nan"))
        beyond = value < limit if name.endswith("f1") else value > limit
        if beyond:
            reasons.append(f"{MEANING[name]} ({name} {value:.2f}, limit {limit:g})")
    return reasons


def widened(calibration: Calibration, first: Sequence[Found], second: Sequence[Found], floor: float) -> Calibration:
    """Intervals that also hold the differences, in real images, of two seeds and of objects and densities.

    Simulated images are easier than real ones, so that intervals from them alone would promise too much. The width is
    the root of the sum of squares of that found on simulated images and of the 90 % quantile of these differences, in
    units of `unit(count)`, and at least `floor`. No guarantee of coverage: that needs annotated images.
    """
    per_class = [np.stack([f.objects.counts() for f in found]) for found in (first, second)]
    density = np.stack([f.layout.density_sums for f in first])
    total = [c.sum(1, keepdims=True) for c in (*per_class, density)]
    a, b, d = (np.concatenate([c, t], 1) for c, t in zip((*per_class, density), total, strict=True))
    quantile = [np.quantile(np.abs(x - a) / unit(a), 0.9, axis=0) for x in (b, d)]
    extra = np.sqrt(quantile[0] ** 2 + quantile[1] ** 2)
    widths = {
        name: max(float(np.hypot(width, extra[k])), floor)
        for k, (name, width) in enumerate(calibration.interval_width.items())
    }
    return calibration.model_copy(update={"interval_width": widths})
