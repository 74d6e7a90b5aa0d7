"""A window of a chamber, seen straight: light, stain, and the truth about every cell."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from neubauer.chamber.rulings import Ruling
from neubauer.chamber.simulate import cells as draw
from neubauer.chamber.simulate.lines import Window, line_image
from neubauer.chamber.simulate.style import Style

MARGIN_UM = 30.0
"""Cells lie so far beyond the window, too."""


@dataclass(frozen=True)
class Scene:
    """What lies in a window.

    Attributes
    ----------
    light : (Y, X) intensity relative to the background, of lines, cells and dirt.
    density : (Y, X) optical density of trypan blue in red light.
    labels : (Y, X) int32, cell `i` of the arrays below has label `i + 1`; 0 where it is hidden or outside.
    centres : (N, 2) x, y in mm of the ruling.
    diameters : (N,) micrometres.
    dead : (N,) bool.
    """

    light: np.ndarray
    density: np.ndarray
    labels: np.ndarray
    centres: np.ndarray
    diameters: np.ndarray
    dead: np.ndarray


def draw_scene(
    ruling: Ruling, window: Window, per_mm2: float, style: Style, rng: np.random.Generator, px_per_um: float = 1.0
) -> Scene:
    """Draw a window with cells at random, `per_mm2` of them in a square millimetre on average (Poisson)."""
    scale = px_per_um * 1000
    shape = (round((window[3] - window[1]) * scale), round((window[2] - window[0]) * scale))
    light = 1 + line_image(ruling, window, shape, style, rng)
    other = np.zeros(shape, np.float32)
    area = shape[0] * shape[1] / scale**2
    for number, kind in (
        (style.blots, draw.blot),
        (style.rings, draw.ring),
        (style.specks, draw.speck),
        (style.clumps, draw.clump),
        (style.granules, draw.granules),
        (style.bubbles, draw.bubble),
    ):
        _scatter(other, int(rng.poisson(number * area)), kind, px_per_um, rng)
    for _ in range(rng.poisson(style.scratches * area)):
        _scratch(other, px_per_um, rng)
    centres, diameters = place(window, per_mm2, style, rng)
    dead = rng.random(len(centres)) < style.dead
    density = np.zeros(shape, np.float32)
    labels = np.zeros(shape, np.int32)
    for i, (centre, diameter) in enumerate(zip(centres, diameters, strict=True)):
        at = (centre[::-1] - (window[1], window[0])) * scale - 0.5
        whole = np.round(at).astype(int)
        r = draw.radius_map(diameter / 2 * px_per_um, rng, 0.04, tuple(at - whole))
        faint = rng.uniform(0.25, 0.6) if rng.random() < style.faint else 1.0
        lit = draw.cell(r, style, faint, rng)
        if dead[i]:
            lit = 0.3 * lit
            _add(density, draw.stained(r, rng), whole)
        _add(other, lit, whole)
        _label(labels, r <= 1, whole, i + 1)
    light = ndi.gaussian_filter(light * np.clip(1 + other, 0.05, None), style.blur * px_per_um)
    density = ndi.gaussian_filter(density, style.blur * px_per_um)
    return Scene(light.astype(np.float32), density, labels, centres, diameters, dead)


def place(window: Window, per_mm2: float, style: Style, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) centres in mm and (N,) diameters in micrometres; some cells touch another, none covers one."""
    margin = MARGIN_UM / 1000
    low = np.array([window[0] - margin, window[1] - margin])
    span = np.array([window[2] + margin, window[3] + margin]) - low
    n = int(rng.poisson(per_mm2 * span.prod()))
    centres, diameters = np.zeros((0, 2)), np.zeros(0)
    for _ in range(n):
        d = style.cell_diameter * np.exp(style.cell_spread * rng.standard_normal())
        for _ in range(20):
            if len(centres) and rng.random() < style.clustered:
                k, angle = rng.integers(len(centres)), rng.uniform(0, 2 * np.pi)
                reach = (d + diameters[k]) / 2000 * rng.uniform(0.95, 1.1)
                c = centres[k] + reach * np.array([np.cos(angle), np.sin(angle)])
            else:
                c = low + span * rng.random(2)
            apart = np.hypot(*(centres - c).T) * 2000 / (diameters + d) if len(centres) else np.ones(1)
            if apart.min() > 0.9:
                centres, diameters = np.vstack([centres, c]), np.append(diameters, d)
                break
    return centres, diameters


def _scatter(
    image: np.ndarray,
    n: int,
    kind: Callable[[np.random.Generator, float], np.ndarray],
    scale: float,
    rng: np.random.Generator,
) -> None:
    for _ in range(n):
        _add(image, kind(rng, scale), np.array([rng.integers(image.shape[0]), rng.integers(image.shape[1])]))


def _scratch(image: np.ndarray, scale: float, rng: np.random.Generator) -> None:
    """A thin, faint line, nearly straight."""
    length, angle = rng.uniform(50, 300) * scale, rng.uniform(0, np.pi)
    t = np.linspace(0, 1, int(3 * length))
    bend = rng.uniform(-0.1, 0.1) * length * t**2
    start = rng.random(2) * image.shape
    y = (start[0] + length * t * np.sin(angle) + bend * np.cos(angle)).astype(int)
    x = (start[1] + length * t * np.cos(angle) - bend * np.sin(angle)).astype(int)
    inside = (y >= 0) & (y < image.shape[0]) & (x >= 0) & (x < image.shape[1])
    image[y[inside], x[inside]] = rng.uniform(-0.3, 0.4)


def _window(
    shape: tuple[int, ...], patch: tuple[int, ...], middle: np.ndarray
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    start = middle - np.array(patch) // 2
    low, high = np.maximum(start, 0), np.minimum(start + patch, shape)
    high = np.maximum(high, low)
    there = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    return there, tuple(slice(a - s, b - s) for a, b, s in zip(low, high, start, strict=True))


def _add(image: np.ndarray, patch: np.ndarray, middle: np.ndarray) -> None:
    there, part = _window(image.shape, patch.shape, middle)
    if image[there].size:
        image[there] += patch[part]


def _label(labels: np.ndarray, mask: np.ndarray, middle: np.ndarray, value: int) -> None:
    there, part = _window(labels.shape, mask.shape, middle)
    if labels[there].size:
        labels[there][mask[part] & (labels[there] == 0)] = value
