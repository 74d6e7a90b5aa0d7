"""The ruling of a chamber in a photograph."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neubauer.chamber.find.field import Field, find_field
from neubauer.chamber.find.fit import FEW, first_projection, fit
from neubauer.chamber.find.match import line_profile, match
from neubauer.chamber.find.rectify import Rectified, rectify
from neubauer.chamber.find.ridges import Ridges, find_ridges
from neubauer.chamber.find.support import support
from neubauer.chamber.projection import Projection
from neubauer.chamber.rulings import Ruling, Square
from neubauer.errors import InputError

TRIED = 5
"""Matches that are fitted."""
LEAST = 0.65
"""Support below which nothing is taken for the ruling; see `benchmarks/chamber.py`."""
SURE = 0.85
"""Support from which on lines of the other polarity are not looked for."""
INSIDE = 41
"""Points on each side of a square that have to lie in the field."""


@dataclass(frozen=True)
class Found:
    """A ruling in a photograph.

    Attributes
    ----------
    ruling : which.
    projection : how it lies.
    polarity : 1 bright lines, -1 dark ones.
    support : 0 to 1, how well lines in view and lines that there should be agree.
    squares : the large squares that are wholly in view.
    field : the lit field.
    """

    ruling: Ruling
    projection: Projection
    polarity: int
    support: float
    squares: tuple[Square, ...]
    field: Field


def find_ruling(grey: np.ndarray, ruling: Ruling, path: str | Path = "image") -> Found:
    """Find a ruling, and the large squares that are complete, if there are any.

    Parameters
    ----------
    grey : (Y, X) intensities.
    ruling : that is looked for.
    path : the file, for errors.

    Raises
    ------
    InputError : no such ruling.
    """
    field = find_field(grey)
    best: Candidate | None = None
    for polarity, ridges in find_ridges(grey, field).items():
        found = best_candidate(ridges, field, ruling, polarity)
        if found is not None and (best is None or found.support > best.support):
            best = found
        if best is not None and best.support > SURE:
            break
    expected = f"the lines of a {ruling.title} chamber"
    if best is None or best.support < LEAST:
        raise InputError(path, "no ruling" if best is None else f"no ruling (support {best.support:.2f})", expected)
    squares = complete(best.ruling, best.projection, field)
    return Found(best.ruling, best.projection, best.polarity, best.support, squares, field)


@dataclass(frozen=True)
class Candidate:
    """A ruling, the way round that it lies, as it may lie in a photograph."""

    ruling: Ruling
    projection: Projection
    support: float
    polarity: int


def best_candidate(ridges: Ridges, field: Field, ruling: Ruling, polarity: int) -> Candidate | None:
    """The projection that explains ridges best, of a few that may be right; None where none can be."""
    rectified, family, sharpness = rectify(ridges, field)
    if not sharpness:
        return None
    profiles = _profiles(rectified, ridges, family, field)
    matches = [(m, way) for way in ruling.variants() for m in match(profiles, way)[:TRIED]]
    best: Candidate | None = None
    for m, way in sorted(matches, key=lambda found: -found[0].score)[:TRIED]:
        if best is not None and best.support > SURE:
            break
        projection, error = fit(first_projection(rectified, m), ridges, family, way, FEW)
        if np.isfinite(error):
            found = support(projection, ridges, family, field, way)
            if best is None or found > best.support:
                best = Candidate(way, projection, found, polarity)
    if best is None or best.support < LEAST / 2:
        return best
    projection, error = fit(best.projection, ridges, family, best.ruling)
    found = support(projection, ridges, family, field, best.ruling)
    return Candidate(best.ruling, projection, found, polarity) if found > best.support - 0.02 else best


def _profiles(
    rectified: Rectified, ridges: Ridges, family: np.ndarray, field: Field
) -> list[tuple[np.ndarray, np.ndarray]]:
    rows, columns = np.nonzero(field.mask[::3, ::3])
    everywhere = rectified.apply(np.column_stack([columns, rows]) * 3 / field.zoom)
    lines = rectified.apply(ridges.points)
    own = [family == axis for axis in (0, 1)]
    return [line_profile(lines[own[k], k], ridges.strengths[own[k]], everywhere[:, k]) for k in (0, 1)]


def complete(ruling: Ruling, projection: Projection, field: Field) -> tuple[Square, ...]:
    """The large squares whose four sides lie in the field."""
    found = []
    t = np.linspace(0, 1, INSIDE)
    for square in ruling.squares():
        x0, y0, x1, y1 = square.box
        x, y = x0 + t * (x1 - x0), y0 + t * (y1 - y0)
        sides = np.concatenate(
            [np.column_stack([x, np.full(INSIDE, v)]) for v in (y0, y1)]
            + [np.column_stack([np.full(INSIDE, v), y]) for v in (x0, x1)]
        )
        if field.inside(projection.to_pixels(sides)).all():
            found.append(square)
    return tuple(found)
