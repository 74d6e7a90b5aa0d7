"""Fit a projection to the points on lines, each point to the line that it lies nearest to."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

from neubauer.chamber.find.match import Match
from neubauer.chamber.find.rectify import Rectified
from neubauer.chamber.find.ridges import Ridges
from neubauer.chamber.projection import Projection
from neubauer.chamber.rulings import Ruling

POINTS, FEW = 4000, 1000
"""Points that are fitted, of each family; and that suffice to see which match is right."""
TOLERANCES = (0.016, 0.011, 0.008, 0.006, 0.006)
"""In mm: how far from a line a point may lie, in every round."""
RESOLVED = 3.0
"""Lines of a multiple line that are so many pixels apart (where ridges are looked for) are seen one by one."""
HELD = np.array([0.06, 0.06, 0.15, 0.08])
"""How large the offset of the optical axis and the distortions usually are at most."""


def first_projection(rectified: Rectified, found: Match) -> Projection:
    """The projection that a match says."""
    (a, b), tilt = rectified.angles, np.array(rectified.tilt)
    lens = np.append(tilt, 1.0)
    rows = []
    for angle, scale, offset in zip((a, b), found.scale, found.offset, strict=True):
        rows.append((np.array([np.cos(angle), np.sin(angle), 0.0]) - offset * lens) / scale)
    bend = np.array([rectified.bend, 0.0])
    return Projection(rectified.centre, rectified.shape, np.zeros(2), bend, np.array([*rows, lens]))


def fit(
    start: Projection, ridges: Ridges, family: np.ndarray, ruling: Ruling, points_each: int = POINTS
) -> tuple[Projection, float]:
    """Refine a projection with so many points of each family.

    Returns
    -------
    The projection, and the root mean square distance (mm) of points and their lines.
    """
    rng = np.random.default_rng(0)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(family == k))[:points_each] for k in (0, 1)])
    points, axis, weight = ridges.points[chosen], family[chosen], np.sqrt(ridges.strengths[chosen])
    found, error = start, np.inf
    for tolerance in TOLERANCES:
        lines = visible_lines(ruling, found, ridges.step)
        mm = found.to_mm(points)
        at = mm[np.arange(len(mm)), axis]
        target = np.where(axis == 0, nearest(at, lines[0]), nearest(at, lines[1]))
        other = mm[np.arange(len(mm)), 1 - axis]
        size = np.array(ruling.size)[1 - axis]
        ok = (
            (np.abs(at - target) < tolerance)
            & (other > -ruling.overhang - 0.05)
            & (other < size + ruling.overhang + 0.05)
        )
        if ok.sum() < 100:
            return found, np.inf
        found, error = _solve(found, points[ok], axis[ok], target[ok], weight[ok], tolerance)
    return found, error


def _solve(
    start: Projection, points: np.ndarray, axis: np.ndarray, target: np.ndarray, weight: np.ndarray, tolerance: float
) -> tuple[Projection, float]:
    rows = np.arange(len(points))
    scale = 1 / (0.3 * tolerance)
    pull = 0.02 * np.sqrt(len(points))

    def residuals(v: np.ndarray) -> np.ndarray:
        off = start.with_parameters(v).to_mm(points)[rows, axis] - target
        return np.concatenate([off * weight * scale, pull * v[8:] / HELD])

    solved = least_squares(residuals, start.parameters(), loss="soft_l1", x_scale="jac", max_nfev=8)
    found = start.with_parameters(solved.x)
    off = found.to_mm(points)[rows, axis] - target
    return found, float(np.sqrt(np.average(off**2, weights=weight)))


def visible_lines(ruling: Ruling, projection: Projection, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the lines along both axes that can be told apart: a narrow multiple line is one."""
    middle = np.clip(projection.to_mm(projection.centre[None])[0], 0, ruling.size)
    scale = projection.px_per_mm(middle) / step
    found = []
    for lines in ruling.lines:
        gaps = np.diff(lines[:, 0])
        apart = gaps.min() * scale >= RESOLVED
        found.append(np.unique(lines[:, 0] if apart else lines[:, 1]))
    return found[0], found[1]


def nearest(at: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """The line nearest to each position."""
    i = np.clip(np.searchsorted(lines, at), 1, len(lines) - 1)
    return np.asarray(np.where(at - lines[i - 1] < lines[i] - at, lines[i - 1], lines[i]))
