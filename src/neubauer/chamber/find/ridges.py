"""Points on thin bright or dark lines, with the direction of the line (Steger, IEEE TPAMI 20:113, 1998)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi
from scipy.spatial import cKDTree
from skimage.transform import resize

from neubauer.chamber.find.field import Field

RADIUS = 520.0
"""Of the field, in pixels of the image in which lines are looked for, unless the photograph is smaller."""
ENLARGED = 2.0
"""Small photographs are enlarged at most so much."""
SIGMA = 1.5
"""Of the derivatives, pixels of that image: lines 2 to 6 pixels wide."""
AHEAD, ALIKE = (-18, -12, -6, 6, 12, 18), float(np.cos(np.deg2rad(15)))
"""Where a line is followed to from a point on it, pixels of that image, and how alike directions then are."""
RIM = 0.03
"""Of the field, in radii, where its own edge would be taken for a line."""


@dataclass(frozen=True)
class Ridges:
    """Points on lines of one polarity.

    Attributes
    ----------
    points : (N, 2) x, y in pixels of the photograph.
    directions : (N, 2) unit vectors along the line.
    strengths : (N,) 0 to 1.
    step : pixels of the photograph to one of the image in which they were found.
    """

    points: np.ndarray
    directions: np.ndarray
    strengths: np.ndarray
    step: float


def find_ridges(grey: np.ndarray, field: Field) -> dict[int, Ridges]:
    """Ridges by polarity: 1 bright, -1 dark lines."""
    zoom = min(RADIUS / field.radius, ENLARGED)
    shape = tuple(round(n * zoom) for n in grey.shape)
    image = resize(grey.astype(np.float32), shape, order=1, anti_aliasing=zoom < 1, preserve_range=True)
    step = np.array([grey.shape[1] / shape[1], grey.shape[0] / shape[0]])
    inside = _mask(field, shape, step)
    flat = _flatten(image, inside)
    g = {order: ndi.gaussian_filter(flat, SIGMA, order=order) for order in ((0, 1), (1, 0), (0, 2), (1, 1), (2, 0))}
    xx, xy, yy = g[0, 2], g[1, 1], g[2, 0]
    half, spread = (xx + yy) / 2, np.sqrt(((xx - yy) / 2) ** 2 + xy**2)
    kept = ndi.binary_erosion(inside, iterations=max(3, round(RIM * field.radius * zoom)), border_value=0)
    return {sign: _points(sign, half, spread, g, kept, step) for sign in (1, -1)}


def _points(
    sign: int,
    half: np.ndarray,
    spread: np.ndarray,
    g: dict[tuple[int, int], np.ndarray],
    kept: np.ndarray,
    step: np.ndarray,
) -> Ridges:
    main = half - sign * spread  # the curvature across: negative for bright lines
    other = half + sign * spread
    strength = np.where(kept, np.clip(-sign * main - np.abs(other), 0, None), 0)
    noise = np.median(strength[kept & (strength > 0)]) if (kept & (strength > 0)).any() else 1.0
    y, x = np.nonzero(strength > 2 * noise)
    xx, xy, yy = (g[k][y, x] for k in ((0, 2), (1, 1), (2, 0)))
    angle = 0.5 * np.arctan2(2 * xy, xx - yy)
    normal = np.column_stack([np.cos(angle), np.sin(angle)])
    along_x = normal[:, 0] ** 2 * xx + 2 * normal.prod(1) * xy + normal[:, 1] ** 2 * yy
    wrong = np.abs(along_x - main[y, x]) > np.abs(along_x - other[y, x])  # the other eigenvector
    normal[wrong] = normal[wrong][:, ::-1] * [-1, 1]
    gradient = np.column_stack([g[0, 1][y, x], g[1, 0][y, x]])
    offset = -(gradient * normal).sum(1) / main[y, x]
    shift = offset[:, None] * normal
    top = (np.abs(shift) <= 0.6).all(1)
    points = (np.column_stack([x, y]) + shift)[top]
    directions = normal[top][:, ::-1] * [-1, 1]
    strengths = strength[y, x][top]
    straight = _goes_on(points, directions)
    points, directions, strengths = points[straight], directions[straight], strengths[straight]
    full = np.quantile(strengths, 0.9) if len(strengths) else 1.0
    directions = directions * step
    return Ridges(
        (points + 0.5) * step - 0.5,
        directions / np.hypot(*directions.T)[:, None],
        np.minimum(strengths / full, 1),
        float(step.mean()),
    )


def _goes_on(points: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """(N,) whether most of the places ahead and behind lie on a line of the same direction: noise and cells do not."""
    if len(points) < 2:
        return np.zeros(len(points), bool)
    tree = cKDTree(points)
    met = np.zeros(len(points))
    for step in AHEAD:
        distance, k = tree.query(points + step * directions, distance_upper_bound=1.0 + abs(step) / 12)
        k = np.minimum(k, len(points) - 1)
        alike = np.abs((directions * directions[k]).sum(1)) > ALIKE
        met += np.isfinite(distance) & alike
    return np.asarray(met >= 4)


def _flatten(image: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Intensity relative to its surroundings inside the field."""
    wide = 20.0
    weight = ndi.gaussian_filter(inside.astype(np.float32), wide)
    background = ndi.gaussian_filter(np.where(inside, image, 0), wide) / np.maximum(weight, 1e-3)
    return np.where(inside, np.clip(image / np.maximum(background, 1e-6), 0, 3), 1).astype(np.float32)


def _mask(field: Field, shape: tuple[int, ...], step: np.ndarray) -> np.ndarray:
    x, y = np.arange(shape[1]), np.arange(shape[0])
    column = np.clip(((x + 0.5) * step[0] * field.zoom).astype(int), 0, field.mask.shape[1] - 1)
    row = np.clip(((y + 0.5) * step[1] * field.zoom).astype(int), 0, field.mask.shape[0] - 1)
    return field.mask[np.ix_(row, column)]
