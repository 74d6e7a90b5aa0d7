"""The cells of the complete squares of a chamber in a photograph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import ndimage as ndi

from neubauer.chamber.aggregates import group_sizes
from neubauer.chamber.borders import BORDER, squares_of
from neubauer.chamber.find.find import Found, find_ruling
from neubauer.chamber.rulings import Ruling
from neubauer.chamber.straighten import PX_PER_UM, as_pixels, straighten
from neubauer.errors import InputError
from neubauer.images.source import ImageSource
from neubauer.models.counter.interval import unit
from neubauer.models.counter.predict import TrainedCounter

MODEL = "chamber-cells"
DIAMETER = 14.0
"""Of the cells that the counter sees as its typical ones, micrometres; it knows those of 8 to 24."""
STAINED = 0.12
"""Optical density in red less that in blue light from which on a cell has taken up trypan blue; simulated dead cells
have 0.25 and more, live ones 0."""
FAINT, LIKELY = 0.3, 0.5
"""Ghosts, flecks and grains: contrast below this share of what the cells of the photograph have (the median, of live
and dead ones apart), or a probability below this. Both were chosen on two photographs."""
COARSE = 0.4
"""Pixels of the photograph to a micrometre below which cells are hardly more than dots."""
COLUMNS = [
    *("x_um", "y_um", "diameter_um", "class", "probability", "contrast", "square", "counted", "together"),
    *("image_x", "image_y", "image_radius"),
]


@dataclass(frozen=True)
class Counted:
    """What was counted in one photograph.

    Attributes
    ----------
    found : the ruling.
    cells : one row per cell, counted or not; `square`: `row-column`, `border`, `outside` or `faint`.
    classes : `live` and `dead`, or `cell`.
    error : half width of the interval of a count by the counter alone, in `unit(count)`.
    flags : reasons to look at the photograph.
    """

    found: Found
    cells: pd.DataFrame
    classes: tuple[str, ...]
    error: float
    flags: tuple[str, ...]

    @property
    def counted(self) -> pd.DataFrame:
        """The cells that count."""
        return self.cells[self.cells["counted"]]


def count_chamber(image: ImageSource, ruling: Ruling, counter: TrainedCounter, trypan_blue: bool = False) -> Counted:
    """Find the ruling in a photograph, and count the cells in its complete large squares.

    Parameters
    ----------
    image : grey, or RGB.
    ruling : of the chamber.
    counter : of cells in straightened chambers, see `MODEL`.
    trypan_blue : tell dead (blue) from live cells.

    Raises
    ------
    InputError : there is no such ruling, no complete square, or, with `trypan_blue`, no colour.
    """
    pixels = image.read()
    if trypan_blue and len(pixels) != 3:
        raise InputError(image.path, f"{len(pixels)} channel(s)", "an RGB photograph, where trypan blue is to be told")
    found = find_ruling(pixels.astype(np.float32).mean(0), ruling, image.path)
    if not found.squares:
        what = f"lines of a {ruling.title} chamber, but no large square ({ruling.square}) that is wholly in view"
        raise InputError(image.path, what, "at least one complete square, with its borders")
    straight = straighten(pixels, found)
    cells = counter.predict(as_pixels(straight.light.mean(-1)), diameter=DIAMETER * PX_PER_UM)
    table = cells.table
    centres = straight.to_mm(table[["centroid-1", "centroid-0"]].to_numpy(float) + 0.5)
    boxes = table[["bbox-1", "bbox-0", "bbox-3", "bbox-2"]].to_numpy(float)
    boxes = np.hstack([straight.to_mm(boxes[:, :2]), straight.to_mm(boxes[:, 2:])])
    diameters = table["equivalent_diameter_area"].to_numpy(float) / PX_PER_UM
    index = squares_of(boxes, found.squares)
    names = np.array([f"{s.row + 1}-{s.column + 1}" for s in found.squares])
    square = np.where(index >= 0, names[index.clip(0)], np.where(index == BORDER, "border", "outside"))
    at = found.projection.to_pixels(centres)
    rim = found.projection.to_pixels(centres + np.column_stack([diameters / 2000, np.zeros(len(centres))]))
    kind: np.ndarray | str = "cell"
    if trypan_blue:
        kind = np.where(_stained(straight.light, cells.labels, table["label"].to_numpy()), "dead", "live")
    probability = table["probability"].to_numpy(float)
    contrast = _contrast(straight.light.mean(-1), cells.labels, table["label"].to_numpy())
    doubtful = is_faint(contrast, probability, np.broadcast_to(kind, len(table)))
    counts = (index >= 0) & ~doubtful
    square = np.where(doubtful, "faint", square)
    together = np.ones(len(table), int)
    together[~doubtful] = group_sizes(centres[~doubtful] * 1000, diameters[~doubtful])
    rows = pd.DataFrame(
        {
            "x_um": centres[:, 0] * 1000,
            "y_um": centres[:, 1] * 1000,
            "diameter_um": diameters,
            "class": kind,
            "probability": probability,
            "contrast": contrast,
            "square": square,
            "counted": counts,
            "together": together,
            "image_x": at[:, 0],
            "image_y": at[:, 1],
            "image_radius": np.hypot(*(rim - at).T),
        },
        columns=COLUMNS,
    )
    estimate = cells.estimates["total"]
    half = max(estimate.high - estimate.count, estimate.count - estimate.low)
    flags = list(cells.flags)
    scale = found.projection.px_per_mm(np.mean([s.box[:2] for s in found.squares], 0)) / 1000
    if scale < COARSE:
        flags.append(f"a micrometre is {scale:.2f} pixels: cells may be missed, photograph a smaller part")
    classes = ("live", "dead") if trypan_blue else ("cell",)
    return Counted(found, rows, classes, float(half / unit(estimate.count)), tuple(flags))


def is_faint(contrast: np.ndarray, probability: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """(N,) whether what was found is too faint beside others of its kind, or too unlikely, to be a cell."""
    found = probability < LIKELY
    for name in np.unique(kind):
        own = kind == name
        sure = own & (probability >= 0.8)
        if sure.any():
            found |= own & (contrast < FAINT * np.median(contrast[sure]))
    return np.asarray(found)


def _contrast(light: np.ndarray, labels: np.ndarray | None, wanted: np.ndarray) -> np.ndarray:
    """(N,) how far the inside of each cell is from the background: the 80th percentile."""
    if labels is None or not len(wanted):
        return np.zeros(len(wanted))
    off = np.abs(ndi.gaussian_filter(light, PX_PER_UM) - 1)
    return np.asarray(ndi.labeled_comprehension(off, labels, wanted, lambda v: np.percentile(v, 80), float, 0.0))


def _stained(light: np.ndarray, labels: np.ndarray | None, wanted: np.ndarray) -> np.ndarray:
    """(N,) whether the inside of each cell absorbs red light much more than blue."""
    if labels is None or not len(wanted):
        return np.zeros(len(wanted), bool)
    density = -np.log(np.clip(light, 0.05, None))
    return np.asarray(ndi.median(density[..., 0] - density[..., 2], labels, wanted) > STAINED)
