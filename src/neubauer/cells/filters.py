"""Which of the cells that are found count: by the border of the image, area and probability."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from neubauer.cells.table import Cells
from neubauer.errors import InputError

Border = Literal["include", "exclude", "two-sides"]
_AREA = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(px|px2|px²|um2|um²|µm2|µm²|μm2|μm²|)")


@dataclass(frozen=True)
class Filters:
    """What a cell has to be like to be counted.

    Attributes
    ----------
    border : cells that touch the border of the image: `"include"` all, `"exclude"` all, or `"two-sides"`: those that
        touch the lower or the right border are left out, the others stay. So a cell that is cut by the border between
        two fields side by side counts once (the rule of the counting chamber; Gundersen, J. Microsc. 1977).
    min_area, max_area : of a cell, in pixels² as a number or text (`"50"`), in µm² with that unit (`"50um2"`).
    min_probability : calibrated, that it is a cell of its class; 0 to 1.

    Raises
    ------
    InputError : one of them cannot be.
    """

    border: Border = "include"
    min_area: float | str | None = None
    max_area: float | str | None = None
    min_probability: float | None = None

    def __post_init__(self) -> None:
        if self.border not in get_args(Border):
            raise InputError("border", repr(self.border), "one of " + ", ".join(get_args(Border)))
        for name in ("min_area", "max_area"):
            if (given := getattr(self, name)) is not None:
                parse_area(given, name)
        if self.min_probability is not None and not 0 <= self.min_probability <= 1:
            raise InputError("min_probability", f"{self.min_probability:g}", "a number from 0 to 1")

    @property
    def record(self) -> dict[str, object]:
        """Those that are set, for run.json."""
        found = {name: getattr(self, name) for name in ("min_area", "max_area", "min_probability")}
        chosen: dict[str, object] = {name: value for name, value in found.items() if value is not None}
        return ({} if self.border == "include" else {"border": self.border}) | chosen

    def areas(self, pixel_size_um: tuple[float, float] | None, where: str | Path) -> tuple[float, float]:
        """The smallest and the largest area in pixels² of an image.

        Raises
        ------
        InputError : one is in µm², and the pixel size is not known.
        """
        found = []
        for name, without in (("min_area", 0.0), ("max_area", math.inf)):
            given = getattr(self, name)
            value, micrometres = (without, False) if given is None else parse_area(given, name)
            if micrometres and pixel_size_um is None:
                raise InputError(where, f"no pixel size, and {name} {given}", f"{name} in pixels², without a unit")
            found.append(value / (pixel_size_um[0] * pixel_size_um[1]) if micrometres and pixel_size_um else value)
        return found[0], found[1]

    def keeps(self, cells: Cells) -> np.ndarray:
        """(N,) bool: which cells stay.

        Raises
        ------
        InputError : an area in µm² for an image without pixel size, or areas where they are not measured.
        """
        table = cells.table
        keep = np.ones(len(table), bool)
        top, left, bottom, right = (table[f"bbox-{i}"].to_numpy(float) for i in range(4))
        if self.border != "include":
            keep &= (bottom < cells.shape[0]) & (right < cells.shape[1])
        if self.border == "exclude":
            keep &= (top > 0) & (left > 0)
        if self.min_area is not None or self.max_area is not None:
            if "markers" in str(cells.info.get("outlines", "")):
                found = "areas that are not measured: this counter was trained on points"
                raise InputError(cells.image, found, "no --min-area and --max-area, or a counter that outlines cells")
            least, most = self.areas(cells.pixel_size_um, cells.image)
            area = table["area"].to_numpy(float)
            keep &= (area >= least) & (area <= most)
        if self.min_probability is not None:
            keep &= table["probability"].to_numpy(float) >= self.min_probability
        return keep


ALL = Filters()
"""Every cell counts."""


def parse_area(given: float | str, name: str = "area") -> tuple[float, bool]:
    """An area, and whether it is in µm² instead of pixels².

    Raises
    ------
    InputError : it is none.
    """
    found = _AREA.fullmatch(f"{given:f}" if isinstance(given, int | float) else given.strip().lower())
    if found is None:
        raise InputError(name, repr(given), "pixels² as a number, or µm² with the unit, as 50um2")
    return float(found[1]), "m" in found[2]
