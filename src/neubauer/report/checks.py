"""What the numbers say of how the images were taken, in words: each image beside the others, and the run as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from neubauer.report.results import Results

SATURATED = 0.01
"""Share of cut-off pixels from which it is said."""
UNEVEN = 0.3
"""Range of the background, in units of the contrast, from which it is said."""
OUTLYING = 3.5
"""Modified z-score from which a value is called an outlier (Iglewicz and Hoaglin, 1993)."""
ENOUGH = 8
"""Images from which on they are compared with each other."""
SURE = 0.01
"""Probability of a trend by chance below which it is told; divided by the number of measures (Bonferroni)."""
WORTH_TELLING = 0.1
"""Change over the run, relative to the median, below which a trend is not told."""
MOST = 2000
"""Images that trends are computed from; of more, every n-th."""


@dataclass(frozen=True)
class Trend:
    """A measure over the order of the images.

    Attributes
    ----------
    name, unit : of the measure, in words.
    values : of each image, NaN where unknown.
    tau, p : Kendall's rank correlation with the order, and the probability of one so large by chance.
    start, end : of the line by Theil and Sen.
    told : whether it is a trend worth telling.
    words : what there is to say.
    """

    name: str
    unit: str
    values: np.ndarray
    tau: float
    p: float
    start: float
    end: float
    told: bool
    words: str


@dataclass(frozen=True)
class Remarks:
    """What there is to say of how the images were taken.

    Attributes
    ----------
    of_images : remarks on each image, in the order of the table.
    of_run : what most images have in common, which is not repeated for each.
    """

    of_images: list[list[str]]
    of_run: list[str]


def remarks(results: Results) -> Remarks:
    """Sharpness beside the other images, pixels that are cut off, an uneven background."""
    quality = results.quality
    focus, uneven = quality["focus"], quality["unevenness"]
    middle = focus.median()
    kinds = {
        "sharp": (
            _outliers(np.log(focus.where(focus > 0))) < 0,
            [f"less sharp than the others: focus {value:.2g}, their median is {middle:.2g}" for value in focus],
        ),
        "light": (
            (uneven > UNEVEN).to_numpy(),
            [f"uneven background: it varies by {_percent(value)} of the contrast" for value in uneven],
        ),
    }
    for end, name in (("bright", "saturated_high"), ("dark", "saturated_low")):
        said = [f"{_percent(value)} of the pixels are cut off at the {end} end" for value in quality[name]]
        kinds[end] = ((quality[name] > SATURATED).to_numpy(), said)
    common = [key for key, (which, _) in kinds.items() if which.sum() > len(quality) / 2 and which.sum() >= ENOUGH]
    of_images: list[list[str]] = [[] for _ in range(len(quality))]
    for key, (which, said) in kinds.items():
        for i in np.flatnonzero(which).tolist() if key not in common else ():
            of_images[i].append(said[i])
    wide = {"light": uneven, "bright": quality["saturated_high"], "dark": quality["saturated_low"]}
    what = {
        "light": "Uneven background: it varies by {} of the contrast",
        "bright": "{} of the pixels are cut off at the bright end",
        "dark": "{} of the pixels are cut off at the dark end",
    }
    of_run = [
        f"{what[key].format(_percent(wide[key].median()))} in the median image, and remarkably so in "
        f"{int(kinds[key][0].sum()):,} of {len(quality):,}."
        for key in common
    ]
    return Remarks(of_images, of_run)


def _outliers(values: pd.Series) -> np.ndarray:
    """-1, 0 or 1 for each value: far below, among, or far above the others. All are among few."""
    v = values.to_numpy(float)
    known = np.isfinite(v)
    if known.sum() < ENOUGH:
        return np.zeros(len(v))
    middle = np.median(v[known])
    spread = np.median(np.abs(v[known] - middle))
    if not spread:
        return np.zeros(len(v))
    score = 0.6745 * np.where(known, v - middle, 0) / spread
    return np.sign(score) * (np.abs(score) > OUTLYING)


def trends(results: Results) -> list[Trend]:
    """Do sharpness, brightness, size and number change over the order of the images? (Mann-Kendall; Theil and Sen.)

    Nothing for a measure that is not known of at least `ENOUGH` images, or always the same.
    """
    quality, counts = results.quality, results.counts
    measures = {
        ("sharpness", "focus measure"): quality["focus"],
        ("brightness", "mean pixel value"): quality["intensity"],
        ("cell diameter", "px"): pd.to_numeric(counts["diameter"], errors="coerce"),
        ("cells per image", "total count"): pd.to_numeric(counts["total"], errors="coerce"),
    }
    kept = {key: v.to_numpy(float) for key, v in measures.items()}
    kept = {key: v for key, v in kept.items() if np.isfinite(v).sum() >= ENOUGH and np.nanmin(v) < np.nanmax(v)}
    return [_trend(name, unit, values, SURE / len(kept)) for (name, unit), values in kept.items()]


def _trend(name: str, unit: str, values: np.ndarray, sure: float) -> Trend:
    from scipy.stats import kendalltau, theilslopes

    order = np.flatnonzero(np.isfinite(values))
    order = order[:: math.ceil(len(order) / MOST)]
    known = values[order]
    tau, p = kendalltau(order, known)
    slope, intercept, _, _ = theilslopes(known, order)
    start, end = intercept, intercept + slope * (len(values) - 1)
    middle = float(np.median(known))
    change = (end - start) / abs(middle) if middle else 0.0
    told = bool(p < sure and abs(change) >= WORTH_TELLING)
    chance = f"p = {p:.2g}" if p >= 0.001 else "p < 0.001"
    if told:
        words = f"{'rises' if change > 0 else 'falls'} by {_percent(abs(change))} over the run"
    else:
        words = "no trend over the run"
    words += f" (Kendall's τ {tau:+.2f}, {chance})".replace("-", "−")
    return Trend(name, unit, values, float(tau), float(p), float(start), float(end), told, words)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 else f"{100 * share:.1f} %"
