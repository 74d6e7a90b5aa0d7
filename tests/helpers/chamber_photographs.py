"""Small simulated photographs of counting chambers."""

from __future__ import annotations

from typing import Any

import numpy as np

from neubauer.chamber.rulings import ruling_of
from neubauer.chamber.simulate.photograph import Optics, Photograph, photograph
from neubauer.chamber.simulate.style import Style

PLAIN = Style(specks=20, blots=1, scratches=0, clumps=0, granules=0, bubbles=0, rings=0, faint=0, clustered=0)


def shot(
    seed: int = 0,
    chamber: str = "neubauer-improved",
    cells: float = 40,
    style: Style = PLAIN,
    lines: bool = True,
    **optics: Any,
) -> Photograph:
    """A photograph of 760 x 760 pixels of the upper left corner of a ruling."""
    usual: dict[str, Any] = {"shape": (760, 760), "radius": 365.0, "middle": (0.52, 0.52), "px_per_mm": 440.0}
    return photograph(ruling_of(chamber), Optics(**usual | optics), style, cells, np.random.default_rng(seed), lines)
