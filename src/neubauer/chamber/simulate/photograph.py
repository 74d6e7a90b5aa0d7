"""A photograph of a chamber through an eye-piece: perspective, distortion, a round field, uneven light, noise."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage as ndi

from neubauer.chamber.projection import Projection
from neubauer.chamber.rulings import Ruling
from neubauer.chamber.simulate.scene import Scene, draw_scene
from neubauer.chamber.simulate.style import Style

ABSORBED = np.array([1.0, 0.75, 0.3])
"""Optical density of trypan blue in red, green and blue light, relative to red; it absorbs most near 600 nm."""
WOBBLE = 0.003
"""What neither perspective nor radial distortion explains, radii of the field."""


@dataclass(frozen=True)
class Optics:
    """How a chamber is photographed.

    Attributes
    ----------
    shape : (Y, X) of the photograph.
    radius : of the field, in pixels; infinite: the field is larger than the photograph.
    middle : x, y in mm that lies in the centre of the field.
    px_per_mm : there.
    turn : clockwise, radians.
    tilt : perspective along x and y.
    bend : radial distortion, at the rim; positive and negative: barrel and pincushion.
    mirrored : left and right exchanged.
    shade : loss of light at the rim.
    tint : of the light; red, green, blue.
    limit : the brightest that the camera can tell, relative to the background.
    """

    shape: tuple[int, int] = (1200, 1600)
    radius: float = 560.0
    middle: tuple[float, float] = (0.6, 0.6)
    px_per_mm: float = 600.0
    turn: float = 0.0
    tilt: tuple[float, float] = (0.0, 0.0)
    bend: float = 0.0
    mirrored: bool = False
    shade: float = 0.15
    tint: tuple[float, float, float] = (0.95, 1.0, 0.95)
    limit: float = 1.8


@dataclass(frozen=True)
class Photograph:
    """A simulated photograph and the truth.

    Attributes
    ----------
    pixels : (Y, X, 3) uint8.
    scene : with the cells, x and y in mm.
    projection, wobble : where mm lie; see `to_pixels`.
    """

    pixels: np.ndarray
    scene: Scene
    projection: Projection
    wobble: np.ndarray

    def to_pixels(self, mm: np.ndarray) -> np.ndarray:
        """(N, 2) pixels of points in mm."""
        target = self.projection.to_pixels(mm)
        found = target.copy()
        for _ in range(4):
            found = target - _wobble(found, self.wobble, self.projection)
        return found


def draw_optics(rng: np.random.Generator, ruling: Ruling) -> Optics:
    """An ordinary photograph at random, in most of which at least one large square is wholly in view."""
    shape = ((1200, 1600), (1536, 2048), (1500, 1500))[int(rng.integers(3))]
    whole = rng.random() < 0.15
    radius = np.inf if whole else min(shape) * rng.uniform(0.42, 0.62)
    reach = min(shape) / 2 if whole else min(radius, min(shape) / 2)
    side = float(max(ruling.cell)) if max(ruling.cell) > 0.5 else 0.75
    view = side * np.exp(rng.uniform(np.log(0.8), np.log(1.7)))  # mm from the middle to the nearer edge of the view
    low, high = side * 0.3, np.array(ruling.size) - side * 0.3
    middle = low + (high - low) * rng.random(2)
    return Optics(
        shape,
        float(radius),
        (float(middle[0]), float(middle[1])),
        float(reach / view),
        float(rng.uniform(-np.pi / 4, np.pi / 4) if rng.random() < 0.4 else rng.normal(0, 0.08)),
        (float(rng.normal(0, 0.02)), float(rng.normal(0, 0.02))),
        float(rng.normal(0, 0.05)),
        bool(rng.random() < 0.3),
        float(rng.uniform(0, 0.4)),
        (float(rng.uniform(0.8, 1.05)), 1.0, float(rng.uniform(0.75, 1.1))),
        float(rng.uniform(1.5, 2.2)),
    )


def photograph(
    ruling: Ruling, optics: Optics, style: Style, per_mm2: float, rng: np.random.Generator, lines: bool = True
) -> Photograph:
    """Photograph a chamber with `per_mm2` cells in a square millimetre on average; without `lines`, a plain slide."""
    height, width = optics.shape
    centre = np.array([width - 1, height - 1]) / 2 + rng.normal(0, 0.03, 2) * min(optics.shape)
    projection = _projection(optics, centre)
    wobble = rng.normal(0, WOBBLE / 2, (2, 2, 2))
    y, x = np.mgrid[:height, :width].astype(np.float32)
    pixels = np.column_stack([x.ravel(), y.ravel()])
    r = np.hypot(*(pixels - centre).T)
    lit = r < min(optics.radius, 1e9)
    mm = np.full(pixels.shape, np.nan)
    mm[lit] = projection.to_mm(pixels[lit] + _wobble(pixels[lit], wobble, projection))
    low, high = np.nanmin(mm, 0) - 0.02, np.nanmax(mm, 0) + 0.02
    scale = float(np.clip(optics.px_per_mm / 1000, 0.3, 1.5))
    drawn = style if lines else replace(style, line=0.0, fringe=0.0)
    scene = draw_scene(ruling, (low[0], low[1], high[0], high[1]), per_mm2, drawn, rng, scale)
    at = ((mm[lit] - low) * scale * 1000 - 0.5).T[::-1]
    light = np.zeros(len(pixels), np.float32)
    density = np.zeros(len(pixels), np.float32)
    light[lit] = ndi.map_coordinates(scene.light, at, order=1, mode="nearest")
    density[lit] = ndi.map_coordinates(scene.density, at, order=1, mode="nearest")
    reach = min(optics.radius, np.hypot(height, width) / 2)
    uneven = 1 - optics.shade * (r / reach) ** 2 + 0.05 * np.sin(pixels @ rng.normal(0, 2, 2) / reach)
    edge = 1 / (1 + np.exp(np.clip((r - optics.radius + 3) / 1.5, -40, 40)))
    colour = np.minimum(light * uneven, optics.limit)[:, None] * np.exp(-density[:, None] * ABSORBED) * edge[:, None]
    colour = colour.reshape(height, width, 3) * optics.tint
    grain = style.noise * ndi.gaussian_filter(rng.standard_normal(colour.shape), (0.5, 0.5, 0)) * 1.7
    level = 255 / (optics.limit * max(optics.tint))
    shown = np.clip((colour + grain * (0.2 + 0.8 * edge.reshape(height, width, 1))) * level + 4, 0, 255)
    return Photograph(shown.astype(np.uint8), scene, projection, wobble)


def _projection(optics: Optics, centre: np.ndarray) -> Projection:
    reach = min(optics.radius, float(np.hypot(*optics.shape)) / 2)
    c, s = np.cos(optics.turn), np.sin(optics.turn)
    turn = np.array([[c, s], [-s, c]]) @ np.diag([-1 if optics.mirrored else 1, 1])
    homography = np.eye(3)
    homography[:2, :2] = turn * reach / optics.px_per_mm
    homography[2, :2] = optics.tilt
    move = np.eye(3)
    move[:2, 2] = optics.middle
    full = move @ homography
    return Projection(centre, np.eye(2) / reach, np.zeros(2), np.array([optics.bend, 0.0]), full / full[2, 2])


def _wobble(pixels: np.ndarray, amount: np.ndarray, projection: Projection) -> np.ndarray:
    """(N, 2) pixels that points are shifted by, smoothly."""
    p = (pixels - projection.centre) @ projection.shape.T
    radius = 1 / np.sqrt(abs(np.linalg.det(projection.shape)))
    waves = np.stack([np.sin(2.5 * p + 0.7), np.cos(2.0 * p[:, ::-1])], -1)  # (N, 2, 2)
    return np.asarray((waves * amount[0]).sum(-1) * radius + (waves[:, ::-1] * amount[1]).sum(-1) * radius * 0.5)
