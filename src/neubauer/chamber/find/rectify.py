"""Straighten two families of lines: the rotation, shear, perspective and distortion that make their profiles sharp."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi
from scipy.optimize import minimize

from neubauer.chamber.find.field import Field
from neubauer.chamber.find.ridges import Ridges

BINS = 500
"""Of a profile, to one radius of the field."""
REACH = 1.5
"""Profiles go so many radii to each side."""
POINTS = 7000
"""Points that the straightening is tried on."""
TILT, BEND = 0.08, 0.1
"""Usual perspective and distortion; what lies far beyond has to be much sharper."""
NEAR = np.deg2rad(22)
"""Lines of a family differ less than this in direction from the most frequent one."""


@dataclass(frozen=True)
class Rectified:
    """Coordinates in which the lines of the families have constant `x` or constant `y`, in radii of the field.

    Attributes
    ----------
    centre, shape : of the field.
    angles : of the normals of both families.
    tilt : perspective, along both axes of the field.
    bend : radial distortion: offsets are 1 + bend r^2 times as long.
    """

    centre: np.ndarray
    shape: np.ndarray
    angles: tuple[float, float]
    tilt: tuple[float, float]
    bend: float

    def apply(self, points: np.ndarray) -> np.ndarray:
        """(N, 2) from pixels."""
        p = (points - self.centre) @ self.shape.T
        return _straight(p, np.array([*self.angles, *self.tilt, self.bend]))


def rectify(ridges: Ridges, field: Field) -> tuple[Rectified, np.ndarray, float]:
    """Find the families and straighten them.

    Returns
    -------
    The coordinates; (N,) family of each point, 0 (constant x), 1 (constant y) or -1; and how sharp the profiles are.
    """
    p = (ridges.points - field.centre) @ field.shape.T
    d = ridges.directions @ field.shape.T
    normal = np.mod(np.arctan2(d[:, 0], -d[:, 1]), np.pi)  # turned by a quarter
    first, second = _families(normal, ridges.strengths)
    family = np.full(len(p), -1)
    for k, angle in enumerate((first, second)):
        family[np.abs(_wrap(normal - angle)) < NEAR] = k
    rng = np.random.default_rng(0)
    chosen = [rng.permutation(np.flatnonzero(family == k))[: POINTS // 2] for k in (0, 1)]
    if min(map(len, chosen)) < 50:
        return Rectified(field.centre, field.shape, (first, second), (0.0, 0.0), 0.0), family, 0.0
    sets = [(p[c], ridges.strengths[c]) for c in chosen]
    best = np.array([first, second, 0, 0, 0])
    size = np.array([0.03, 0.03, 0.05, 0.05, 0.06])
    for blur in (10.0, 4.0, 2.0):
        start = np.vstack([best, best + np.diag(size)])
        options = {"initial_simplex": start, "maxfev": 260, "xatol": 1e-4, "fatol": 1e-5}
        best = minimize(_blurred, best, (sets, blur), method="Nelder-Mead", options=options).x
        size = size / 3
    found = Rectified(field.centre, field.shape, (best[0], best[1]), (best[2], best[3]), best[4])
    return found, family, -_blurred(best, sets, 2.0)


def _families(normal: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Directions of the normals of the two families, the first the nearer to horizontal; about a quarter turn apart."""
    n = 360
    bins = np.minimum((normal / np.pi * n).astype(int), n - 1)
    h = ndi.gaussian_filter1d(np.bincount(bins, weight, n), 3, mode="wrap")
    h = h - np.minimum(np.quantile(h, 0.3), h)
    both = h * 0.2 + np.sqrt(h * ndi.maximum_filter1d(np.roll(h, -n // 2), 2 * round(n * 15 / 180) + 1, mode="wrap"))
    one = int(np.argmax(both))
    near = (one + n // 2 + np.arange(-round(n * 20 / 180), round(n * 20 / 180) + 1)) % n
    two = int(near[np.argmax(h[near])])
    angles = sorted(((k + 0.5) * np.pi / n for k in (one, two)), key=lambda a: abs(_wrap(np.array(a))))
    first = float(_wrap(np.array(angles[0])))
    second = float(_wrap(np.array(angles[1]) - np.pi / 2)) + np.pi / 2
    return first, second


def _wrap(angle: np.ndarray) -> np.ndarray:
    return np.asarray((angle + np.pi / 2) % np.pi - np.pi / 2)


def _straight(p: np.ndarray, v: np.ndarray) -> np.ndarray:
    p = p * (1 + v[4] * (p**2).sum(1, keepdims=True))
    w = 1 + p @ v[2:4]
    x = p @ np.array([np.cos(v[0]), np.sin(v[0])]) / w
    y = p @ np.array([np.cos(v[1]), np.sin(v[1])]) / w
    return np.column_stack([x, y])


def _blurred(v: np.ndarray, sets: list[tuple[np.ndarray, np.ndarray]], blur: float) -> float:
    """Minus the sharpness: how unevenly the points lie along both axes, whatever the scale."""
    if abs(v[4]) > 0.45 or np.abs(v[2:4]).max() > 0.5:
        return 0.0
    total = 0.0
    for axis, (p, weight) in enumerate(sets):
        x = _straight(p, v)[:, axis]
        spread = np.sqrt(np.average((x - np.average(x, weights=weight)) ** 2, weights=weight))
        h = profile(x / max(spread, 1e-6) * 0.5, weight)
        h = ndi.gaussian_filter1d(h, blur)
        total += float((h**2).sum() / h.sum() ** 2) * blur
    usual = (v[2:4] / TILT) @ (v[2:4] / TILT) + (v[4] / BEND) ** 2
    return -total * float(np.exp(-0.02 * usual))


def profile(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(2 REACH BINS,) sums of weights along an axis, shared between the two nearest bins."""
    n = round(2 * REACH * BINS)
    at = (x + REACH) * BINS - 0.5
    low = np.floor(at).astype(int)
    part = at - low
    ok = (low >= 0) & (low < n - 1)
    low, part, weight = low[ok], part[ok], weight[ok]
    return np.bincount(low, weight * (1 - part), n) + np.bincount(low + 1, weight * part, n)
