"""How a simulated chamber looks: optics, lines, cells, dirt."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Style:
    """Of one photograph. Lengths in micrometres; contrasts are relative to the background.

    Attributes
    ----------
    phase : whether cells look as in phase contrast (bright, with a halo) or as in bright field (an outline).
    line : contrast of the ruling; negative: dark lines.
    line_width : of one line.
    fringe : contrast of the dark or bright fringe beside lines and cells.
    cell_diameter, cell_spread : median, and standard deviation of the logarithm.
    contrast : of cells.
    rim : contrast of their outline.
    interior : of bright-field cells, relative to `contrast`; negative: darker than the background.
    granularity : of the inside of cells.
    faint : share of cells out of focus or faint.
    clustered : share of cells that touch others.
    dead : share that trypan blue has stained.
    blur : standard deviation of the defocus.
    noise : standard deviation.
    specks, blots, scratches, clumps, granules, bubbles, rings : dirt; numbers in a square millimetre.
    """

    phase: bool = True
    line: float = 0.8
    line_width: float = 2.5
    fringe: float = 0.1
    cell_diameter: float = 14.0
    cell_spread: float = 0.12
    contrast: float = 0.6
    rim: float = 0.3
    interior: float = 0.4
    granularity: float = 0.1
    faint: float = 0.1
    clustered: float = 0.1
    dead: float = 0.0
    blur: float = 0.7
    noise: float = 0.015
    specks: float = 100.0
    blots: float = 4.0
    scratches: float = 1.0
    clumps: float = 2.0
    granules: float = 2.0
    bubbles: float = 0.2
    rings: float = 4.0


def draw_style(rng: np.random.Generator, trypan_blue: bool | None = None) -> Style:
    """A style at random; with `trypan_blue` None, a third of them are stained."""
    phase = bool(rng.random() < 0.55)
    stained = bool(rng.random() < 0.33) if trypan_blue is None else trypan_blue
    bright = rng.random() < (0.85 if phase else 0.6)
    return Style(
        phase=phase,
        line=float(rng.uniform(0.2, 1.0) if bright else -rng.uniform(0.12, 0.55)),
        line_width=float(rng.uniform(1.8, 4.0)),
        fringe=float(rng.uniform(0, 0.2)),
        cell_diameter=float(np.exp(rng.uniform(np.log(9), np.log(20)))),
        cell_spread=float(rng.uniform(0.05, 0.18)),
        contrast=float(rng.uniform(0.2, 0.9) if phase else rng.uniform(0.08, 0.4)),
        rim=float(rng.uniform(0.1, 0.4) if phase else rng.uniform(0.15, 0.55)),
        interior=float(rng.uniform(-0.5, 1.2)),
        granularity=float(rng.uniform(0, 0.25)),
        faint=float(rng.uniform(0, 0.25)),
        clustered=float(rng.uniform(0, 0.35)),
        dead=float(rng.uniform(0.02, 0.6)) if stained else 0.0,
        blur=float(rng.uniform(0.3, 1.4)),
        noise=float(rng.uniform(0.004, 0.03)),
        specks=float(rng.uniform(0, 500)),
        blots=float(rng.uniform(0, 12)),
        scratches=float(rng.uniform(0, 3)),
        clumps=float(rng.uniform(0, 10)),
        granules=float(rng.uniform(0, 12)),
        bubbles=float(rng.uniform(0, 1)),
        rings=float(rng.uniform(0, 12)),
    )
