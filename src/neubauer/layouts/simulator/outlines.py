"""Outlines of simulated cells: how deep inside its cell each pixel lies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neubauer.layouts.simulator.population import CellKind

HARMONICS = np.arange(2, 7)
"""Waves around the outline that make it irregular; the first would only move it."""


@dataclass(frozen=True)
class Body:
    """One simulated cell.

    Attributes
    ----------
    kind : index of its kind.
    centre : (2,) y, x in pixels.
    radius : of the disc of the same area, pixels.
    window : rows and columns of the image around it.
    rim : (Y, X) of the window: 0 at its middle, 1 on its outline, more outside.
    counted : False for a cell that is seen, but has no label.
    """

    kind: int
    centre: np.ndarray
    radius: float
    window: tuple[slice, slice]
    rim: np.ndarray
    counted: bool = True


def draw_body(
    kind: CellKind, index: int, centre: np.ndarray, radius: float, shape: tuple[int, int], rng: np.random.Generator
) -> Body | None:
    """A cell of this kind with a random outline; None where it lies wholly outside of the image.

    Parameters
    ----------
    kind, index : what it is, and the index of that kind.
    centre, radius : in pixels.
    shape : (Y, X) of the image.
    """
    ratio = rng.uniform(*kind.elongation)
    reach = radius * (1.35 + kind.irregularity) * np.sqrt(ratio) + 2
    low = np.maximum(np.floor(centre - reach).astype(int), 0)
    high = np.minimum(np.ceil(centre + reach).astype(int) + 1, shape)
    if (low >= high).any():
        return None
    window = (slice(low[0], high[0]), slice(low[1], high[1]))
    angle = rng.uniform(0, np.pi)
    y = (np.arange(low[0], high[0], dtype=np.float32) - centre[0])[:, None] / radius
    x = (np.arange(low[1], high[1], dtype=np.float32) - centre[1])[None] / radius
    # along and across the long axis, in units of the radius
    u, v = np.cos(angle) * x + np.sin(angle) * y, np.cos(angle) * y - np.sin(angle) * x
    rim = _RIMS[kind.shape](u, v, ratio, rng)
    if kind.irregularity:
        rim = rim / np.maximum(1 + _bulge(u, v, kind.irregularity, rng), 0.4)
    return Body(index, centre, radius, window, rim.astype(np.float32))


def _bulge(u: np.ndarray, v: np.ndarray, irregularity: float, rng: np.random.Generator) -> np.ndarray:
    """Sum of waves around the middle: the real part of a polynomial in exp(i angle), by Horner's rule."""
    waves = rng.normal(0, irregularity / (HARMONICS - 1)) * 1.2
    coefficients = (waves * np.exp(1j * rng.uniform(0, 2 * np.pi, len(HARMONICS)))).astype(np.complex64)
    turn = u + 1j * v
    turn = (turn / np.maximum(np.abs(turn), 1e-6)).astype(np.complex64)
    total = np.full_like(turn, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        total = total * turn + coefficient
    return (total * turn ** HARMONICS[0]).real


def _ellipse(u: np.ndarray, v: np.ndarray, ratio: float, _rng: np.random.Generator) -> np.ndarray:
    return np.sqrt(u * u / ratio + v * v * ratio)


def _lobed(u: np.ndarray, v: np.ndarray, ratio: float, rng: np.random.Generator) -> np.ndarray:
    n = rng.integers(2, 5)
    turn = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(n) / n + rng.normal(0, 0.3, n)
    sizes = rng.uniform(0.6, 0.8, n)
    a, b = u / np.sqrt(ratio), v * np.sqrt(ratio)
    lobes = [np.hypot(a - 0.5 * np.cos(t), b - 0.5 * np.sin(t)) / s for t, s in zip(turn, sizes, strict=True)]
    return np.min(lobes, 0)


def _rod(u: np.ndarray, v: np.ndarray, ratio: float, rng: np.random.Generator) -> np.ndarray:
    # half width w, straight part 2 h: area pi w^2 + 4 w h = pi, length / width = ratio
    w = np.sqrt(np.pi / (np.pi + 4 * (ratio - 1)))
    h = w * (ratio - 1)
    bent = v - rng.normal(0, 0.15) * (u * u - h * h / 3)
    return np.hypot(np.maximum(np.abs(u) - h, 0), bent) / w


def _polygon(u: np.ndarray, v: np.ndarray, ratio: float, rng: np.random.Generator) -> np.ndarray:
    n = rng.integers(5, 9)
    turn = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(n) / n + rng.normal(0, 0.5 / n, n)
    a, b = u / np.sqrt(ratio), v * np.sqrt(ratio)
    sides = rng.uniform(0.85, 1.0, n)
    # a high norm instead of the maximum rounds the corners
    return (
        sum(np.maximum(np.cos(t) * a + np.sin(t) * b, 0) ** 10 / s**10 for t, s in zip(turn, sides, strict=True)) ** 0.1
    )


_RIMS = {"ellipse": _ellipse, "lobed": _lobed, "rod": _rod, "polygon": _polygon}
