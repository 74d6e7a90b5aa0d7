"""Cells as they look in phase contrast and bright field, round to a few harmonics, and what is no cell."""

from __future__ import annotations

import numpy as np
from scipy import ndimage as ndi

from neubauer.chamber.simulate.style import Style

OPEN = 4.0
"""A patch reaches so many radii to each side."""


def radius_map(radius: float, rng: np.random.Generator, rough: float, shift: tuple[float, float]) -> np.ndarray:
    """Distance from the middle of a patch in units of the radius of an outline with a few harmonics."""
    reach = int(np.ceil(OPEN * radius)) // 2 + 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    y, x = y - shift[0], x - shift[1]
    angle = np.arctan2(y, x)
    outline = np.ones_like(angle)
    for k, share in ((2, 1.0), (3, 0.6), (4, 0.3)):
        outline += rough * share * rng.normal() * np.cos(k * angle + rng.uniform(0, 2 * np.pi))
    return np.hypot(y, x) / (radius * np.clip(outline, 0.5, 1.5))


def cell(r: np.ndarray, style: Style, faint: float, rng: np.random.Generator) -> np.ndarray:
    """Contrast of a live cell, by the distance `r` in radii; `faint` is the share of the contrast that is left."""
    inside = _edge(r, 0.92, 0.12)
    texture = ndi.gaussian_filter(rng.standard_normal(r.shape), 1.0) * 2 * style.granularity * inside
    rim = np.exp(-(((r - 0.95) / 0.16) ** 2))
    halo = np.exp(-(((r - 1.3) / 0.18) ** 2))
    if style.phase:
        core = np.exp(-((r / rng.uniform(0.55, 0.9)) ** 4))
        light = style.contrast * (core + 0.5 * halo * (1 - inside)) - style.rim * rim
        if rng.random() < 0.2:  # settled, flat or dying: grainy and grey
            light = 0.25 * style.contrast * inside - 0.5 * style.rim * rim + 0.25 * style.contrast * halo
            texture = texture * 3
    else:
        light = style.contrast * style.interior * inside - style.rim * rim + style.fringe * halo
    return np.asarray(faint * light + faint * style.contrast * texture)


def stained(r: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Optical density of a dead cell in trypan blue."""
    return np.asarray(rng.uniform(0.35, 1.1) * _edge(r, 0.95, 0.2))


def speck(rng: np.random.Generator, scale: float) -> np.ndarray:
    """A grain much smaller than a cell."""
    sigma = rng.uniform(0.5, 1.6) * scale
    reach = int(4 * sigma) + 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    angle, long = rng.uniform(0, np.pi), rng.uniform(1, 2)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    sign = -1 if rng.random() < 0.65 else 1
    return np.asarray(sign * rng.uniform(0.05, 0.45) * np.exp(-((u / long) ** 2 + v**2) / (2 * sigma**2)))


def blot(rng: np.random.Generator, scale: float) -> np.ndarray:
    """Dirt far out of focus: a wide, faint shade, or rings."""
    size = rng.uniform(15, 50) * scale
    reach = int(1.5 * size)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    r = np.hypot(y, x) / size
    shade = np.exp(-((r / 0.6) ** 2)) if rng.random() < 0.6 else np.cos(9 * r) * np.exp(-((r / 0.5) ** 2))
    return np.asarray(rng.uniform(-0.15, 0.06) * shade)


def ring(rng: np.random.Generator, scale: float) -> np.ndarray:
    """A thin, faint ring about as large as a cell: a ghost, or a fleck on a lens."""
    radius = rng.uniform(3, 12) * scale
    r = radius_map(radius, rng, 0.08, (0, 0))
    return np.asarray(rng.uniform(-0.08, 0.1) * np.exp(-(((r - 0.9) / rng.uniform(0.1, 0.3)) ** 2)))


def clump(rng: np.random.Generator, scale: float) -> np.ndarray:
    """Fibrous or granular matter, of any outline."""
    size = rng.uniform(5, 25) * scale
    reach = int(2.2 * size)
    shape = (2 * reach + 1, 2 * reach + 1)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    angle = rng.uniform(0, np.pi)
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    envelope = np.exp(-((u / size) ** 2 + (v / (size * rng.uniform(0.3, 0.8))) ** 2))
    broad = ndi.gaussian_filter(rng.standard_normal(shape), 3 * scale)
    envelope *= np.clip(1 + broad / broad.std(), 0, 2)
    fine = ndi.gaussian_filter(rng.standard_normal(shape), rng.uniform(0.7, 1.6) * scale)
    return np.asarray(rng.uniform(0.05, 0.35) * envelope * fine / fine.std())


def granules(rng: np.random.Generator, scale: float) -> np.ndarray:
    """A chain or heap of bright grains with dark rims, each much smaller than a cell."""
    reach = round(30 * scale)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    found, at = np.zeros_like(x), np.zeros(2)
    step = rng.uniform(2, 6) * scale
    contrast = rng.uniform(0.15, 0.6)
    for _ in range(rng.integers(1, 14)):
        radius = rng.uniform(1.0, 2.6) * scale
        r = np.hypot(y - at[0], x - at[1]) / radius
        found += contrast * rng.uniform(0.4, 1) * (np.exp(-(r**2)) - 0.6 * np.exp(-(((r - 1.6) / 0.5) ** 2)))
        at = np.clip(at + step * rng.standard_normal(2), 6 - reach, reach - 6)
    return found


def bubble(rng: np.random.Generator, scale: float) -> np.ndarray:
    """Air: a dark, broad edge and a bright middle, larger than cells."""
    radius = rng.uniform(18, 60) * scale
    r = radius_map(radius, rng, 0.01, (0, 0))
    edge = np.exp(-(((r - 0.9) / rng.uniform(0.06, 0.16)) ** 2))
    return np.asarray(-rng.uniform(0.4, 0.8) * edge + rng.uniform(0, 0.3) * np.exp(-((r / 0.4) ** 2)))


def _edge(r: np.ndarray, at: float, width: float) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(np.clip((r - at) / (width / 4), -30, 30))))
