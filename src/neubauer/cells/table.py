"""`Cells`: what was found in one image, one row per cell."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from neubauer.cells.regions.regions import Regions


@dataclass(frozen=True)
class CountEstimate:
    """A count and its prediction interval (`low <= count <= high`), in cells.

    Attributes
    ----------
    rule : width, shift and strange, of which the interval was made (`neubauer.models.counter.interval.interval`), so
        that one of a part of these cells can be made in the same way; None where it was made otherwise.
    """

    count: float
    low: float
    high: float
    rule: tuple[float, float, bool] | None = field(default=None, repr=False, compare=False)

    def rounded(self) -> tuple[int | float, int | float, int | float]:
        """Count, low and high in whole cells; the interval outwards, so that it covers as often as promised."""
        low, high = (f(v) if math.isfinite(v) else v for f, v in ((math.floor, self.low), (math.ceil, self.high)))
        return round(self.count), low, high


@dataclass(frozen=True)
class Unfamiliar:
    """Which blocks of an image are unlike all that the counter has learnt: (By, Bx) bool, and their (y, x) sides in
    pixels; those in the last row and column may reach beyond the image."""

    blocks: np.ndarray
    side: tuple[float, float]


@dataclass
class Cells:
    """The cells of one image.

    Attributes
    ----------
    table : one row per cell; columns `image`, `label`, `class`, `probability`, `centroid-0`, `centroid-1`,
        `bbox-0` ... `bbox-3` (pixels, half-open), `area` (pixels) and further `regionprops_table` columns; micrometre
        columns end in `_um`.
    classes : class names, in the order of the model.
    image : stem of the image file, or the name given.
    shape : (Y, X) of the image.
    labels : (Y, X) int32 instance labels (0 is background), or None if they were not asked for.
    pixel_size_um : (y, x) micrometres per pixel, or None.
    estimates : per class, and under `"total"`, the count with its interval. It may come from the density map and then
        differ from the number of rows.
    flags : short reasons to look at this image by eye; empty where there are none.
    info : further facts for people (the diameter used, how the count was made ...).
    unfamiliar : parts of the image that the counter does not know, where it is flagged for that.
    regions : where was counted, if not everywhere: the table then holds the cells whose centre lies in a region, with
        the column `region` (the innermost), and `estimates` are of all regions together.
    region_estimates : as `estimates`, of each of `regions.parts`.
    """

    table: pd.DataFrame
    classes: tuple[str, ...]
    image: str
    shape: tuple[int, int]
    labels: np.ndarray | None = None
    pixel_size_um: tuple[float, float] | None = None
    estimates: dict[str, CountEstimate] = field(default_factory=dict)
    flags: list[str] = field(default_factory=list)
    info: dict[str, object] = field(default_factory=dict)
    unfamiliar: Unfamiliar | None = None
    regions: Regions | None = None
    region_estimates: list[dict[str, CountEstimate]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.table)

    def counts(self) -> dict[str, int]:
        """Number of cells per class, rounded; zeros included."""
        if self.estimates:
            return {name: round(self.estimates[name].count) for name in self.classes}
        n = self.table["class"].value_counts()
        return {name: int(n.get(name, 0)) for name in self.classes}
