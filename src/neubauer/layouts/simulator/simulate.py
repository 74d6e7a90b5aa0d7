"""Populations to cells: where simulated cells lie, and their masks."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from neubauer.layouts.encode import Marks
from neubauer.layouts.simulator.outlines import Body, draw_body
from neubauer.layouts.simulator.population import Population

TRIES = 16
"""Places that are considered for a cell; if it reaches too far into others at all of them, it is left out."""
LEAST_VISIBLE = 0.3
"""A cell of which others hide all but this share is left out."""

LARGE = 1.25
"""Kinds larger than typical cells by this factor are placed first, anywhere; the others clump, around them too."""


@dataclass(frozen=True)
class Scene(Marks):
    """Simulated cells: marks, and `bodies`, whole cells in the order of drawing; label i is the i-th counted one."""

    bodies: tuple[Body, ...] = ()

    def marks(self) -> Marks:
        """Without the bodies, which take much memory."""
        return Marks(**{f.name: getattr(self, f.name) for f in fields(Marks)})


def simulate(population: Population, shape: tuple[int, int], rng: np.random.Generator) -> Scene:
    """Draw cells from a population.

    Kinds and sizes are drawn independently, numbers from a Poisson distribution whose mean is that of the image's
    coverage. Large cells are placed first, cells of one kind in random order; each lies anywhere or, with the
    probability `population.clumping`, beside one that is there, but never reaches too far into others.

    Parameters
    ----------
    population : the prior.
    shape : (Y, X) of the image.
    rng : the only source of randomness.

    Returns
    -------
    Scene : masks (where cells overlap, the later one lies on top), centroids of what can be seen, kinds, diameters.
    """
    kinds = population.kinds
    mean_area = float(population.shares @ [kind.area for kind in kinds])
    coverage = np.interp(rng.random(), np.linspace(0, 1, len(population.coverage)), population.coverage)
    margin = max(kind.diameter for kind in kinds) / 2  # cells outside that reach into the image
    extent = np.array(shape) + 2 * margin
    n = rng.poisson(coverage * extent.prod() / mean_area)
    kind_of = rng.choice(len(kinds), n, p=population.shares)
    spread = np.array([kind.diameter_sd for kind in kinds])[kind_of]
    median = np.array([kind.diameter for kind in kinds])[kind_of]
    radii = median / 2 * np.exp(spread * np.clip(rng.standard_normal(n), -2.5, 2.5))
    order = np.argsort(-median, kind="stable")
    kind_of, radii = kind_of[order], radii[order]
    clumps = np.where(median[order] > LARGE * population.typical_diameter, 0.0, population.clumping)
    places, placed = _place(radii, clumps, extent, 1 - population.overlap, rng)
    bodies = []
    for i in np.flatnonzero(placed):
        body = draw_body(kinds[kind_of[i]], int(kind_of[i]), places[i] - margin, float(radii[i]), shape, rng)
        if body is not None:
            bodies.append(body)
    return _scene(bodies, shape, population.cut)


def _place(
    radii: np.ndarray, clumps: np.ndarray, extent: np.ndarray, reach: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) centres, and (N,) whether there was room.

    Parameters
    ----------
    radii, clumps : (N,) pixels; probability that the cell lies beside another one.
    extent : (2,) of the area, pixels.
    reach : least distance of two centres, over the sum of the radii.
    """
    n = len(radii)
    places, placed = np.zeros((n, 2)), np.zeros(n, bool)
    y, x, r = np.zeros((3, n))  # of those placed, one after the other
    m = 0
    for i in range(n):
        if m and rng.random() < clumps[i]:
            beside = rng.integers(m, size=TRIES)
            angle = rng.uniform(0, 2 * np.pi, TRIES)
            apart = (r[beside] + radii[i]) * rng.uniform(reach, 1.05, TRIES)
            tried = np.stack([y[beside] + apart * np.sin(angle), x[beside] + apart * np.cos(angle)], 1)
            inside = ((tried >= 0) & (tried <= extent)).all(1)
        else:
            tried = rng.uniform(0, extent, (TRIES, 2))
            inside = np.ones(TRIES, bool)
        away = (tried[:, :1] - y[:m]) ** 2 + (tried[:, 1:] - x[:m]) ** 2
        free = inside & (away >= (reach * (r[:m] + radii[i])) ** 2 - 1e-6).all(1)
        if free.any():
            places[i], placed[i] = tried[free.argmax()], True
            y[m], x[m], r[m] = places[i, 0], places[i, 1], radii[i]
            m += 1
    return places, placed


def _scene(bodies: list[Body], shape: tuple[int, int], cut: np.ndarray) -> Scene:
    """Marks of the bodies; `cut` (K,) as the kinds have it."""
    labels = np.zeros(shape, np.int32)
    for i, body in enumerate(bodies, start=1):
        labels[body.window][body.rim <= 1] = i
    seen = np.bincount(labels.ravel(), minlength=len(bodies) + 1)[1:]
    inside = np.array([np.count_nonzero(body.rim <= 1) for body in bodies])
    hidden = seen < np.maximum(LEAST_VISIBLE * inside, 1)
    if hidden.any():
        return _scene([b for b, h in zip(bodies, hidden, strict=True) if not h], shape, cut)
    counted = seen >= np.array([cut[body.kind] * np.pi * body.radius**2 for body in bodies])
    number = np.zeros(len(bodies) + 1, np.int32)
    number[1:][counted] = np.arange(1, counted.sum() + 1)
    labels, seen = number[labels], seen[counted]
    bodies = [replace(b, counted=bool(c)) for b, c in zip(bodies, counted, strict=True)]
    n = len(seen)
    y, x = np.nonzero(labels)
    owner = labels[y, x]
    centres = np.stack([np.bincount(owner, c, n + 1)[1:] / seen for c in (y, x)], 1) if n else np.zeros((0, 2))
    none = np.zeros(shape, bool)
    return Scene(
        labels,
        _inside(centres, labels),
        np.array([b.kind for b in bodies if b.counted], np.int64),
        2 * np.sqrt(seen / np.pi),
        none,
        none.copy(),
        tuple(bodies),
    )


def _inside(centres: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Centroids that lie outside of their cell moved to its nearest pixel, as for masks (`layouts.marks`)."""
    at = np.round(centres).astype(int)
    for i in np.flatnonzero(labels[at[:, 0], at[:, 1]] != np.arange(1, len(centres) + 1)):
        own = np.argwhere(labels == i + 1)
        centres[i] = own[np.argmin(((own - centres[i]) ** 2).sum(1))]
    return centres
