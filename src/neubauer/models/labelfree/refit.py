"""The simulator fitted to what a network found in real images, until both populations match."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree
from scipy.stats import wasserstein_distance

from neubauer.layouts.simulator.population import Population
from neubauer.models.labelfree.crops import Found

FEW = 30
"""Sizes of a kind are only refitted to at least as many cells."""
LIMIT = 1.25
"""A refit does not change a diameter by more than this factor: the person has said how large cells are."""
LIMIT_COVERAGE = 2.0
"""Likewise for the mean coverage."""
BESIDE = 1.1
"""A cell lies beside another one if their centres are nearer than this many times the sum of their radii."""


def refit(population: Population, found: Sequence[Found]) -> Population:
    """Density, sizes, shares and clumping as they were found.

    Parameters
    ----------
    population : at the scale of the layout.
    found : objects of real images, at that scale.
    """
    if not sum(len(f.objects) for f in found):
        return population
    diameters, index = _inner(found)
    kinds = []
    share = np.bincount(np.concatenate([f.objects.class_index for f in found]), minlength=len(population.kinds))
    for k, kind in enumerate(population.kinds):
        mine = np.log(diameters[index == k])
        update: dict[str, float] = {"share": max(float(share[k]), 0.01 * share.sum())}
        if len(mine) >= FEW:
            middle = float(np.exp(np.clip(np.median(mine) - np.log(kind.diameter), -np.log(LIMIT), np.log(LIMIT))))
            quartiles = np.quantile(mine, [0.25, 0.75])
            spread = float(np.clip((quartiles[1] - quartiles[0]) / 1.349, 0.08, 0.4))
            update |= {"diameter": kind.diameter * middle, "diameter_sd": (kind.diameter_sd + spread) / 2}
        kinds.append(kind.model_copy(update=update))
    before, after = float(np.mean(population.coverage)), float(covered(found).mean())
    factor = np.clip(after, before / LIMIT_COVERAGE, before * LIMIT_COVERAGE) / max(after, 1e-6)
    coverage = tuple(float(q * factor) for q in np.quantile(covered(found), np.linspace(0, 1, 9)))
    clumped = clumping(found)
    update_all: dict[str, object] = {"kinds": tuple(kinds), "coverage": coverage}
    if clumped is not None:
        update_all["clumping"] = (population.clumping + clumped) / 2
    return population.model_copy(update=update_all)


def covered(found: Sequence[Found]) -> np.ndarray:
    """(I,) share of each image that its cells cover."""
    return np.array([float((f.labels > 0).mean()) for f in found])


def clumping(found: Sequence[Found]) -> float | None:
    """Share of the cells that lie beside another one; None where no image has two cells."""
    beside, n = 0, 0
    for f in found:
        if len(f.objects) < 2:
            continue
        distance, nearest = cKDTree(f.objects.centres).query(f.objects.centres, k=2)
        d = f.objects.diameters
        beside += int((distance[:, 1] < BESIDE * (d + d[nearest[:, 1]]) / 2).sum())
        n += len(d)
    return beside / n if n else None


def population_distance(found: Sequence[Found], simulated: Sequence[Found]) -> dict[str, float]:
    """How far predicted and simulated populations are apart.

    Returns
    -------
    `diameter`: Wasserstein distance of the logarithms of the diameters; `coverage`: that of the shares of the images
    covered; `clumping`: difference of the shares of cells beside another one. All 0 for equal populations; 0.1 is a
    tenth in size, or a tenth of the image.
    """
    a, b = (np.log(_inner(f)[0]) for f in (found, simulated))
    beside = [clumping(f) for f in (found, simulated)]
    return {
        "diameter": float(wasserstein_distance(a, b)) if len(a) and len(b) else float("nan"),
        "coverage": float(wasserstein_distance(covered(found), covered(simulated))),
        "clumping": abs(beside[0] - beside[1]) if beside[0] is not None and beside[1] is not None else float("nan"),
    }


def _inner(found: Sequence[Found]) -> tuple[np.ndarray, np.ndarray]:
    """Diameters and classes of the objects that the border of the image does not cut."""
    diameters, index = [np.zeros(0)], [np.zeros(0, np.int64)]
    for f in found:
        edge = np.concatenate([f.labels[0], f.labels[-1], f.labels[:, 0], f.labels[:, -1]])
        whole = np.ones(len(f.objects) + 1, bool)
        whole[edge] = False
        diameters.append(f.objects.diameters[whole[1:]])
        index.append(f.objects.class_index[whole[1:]])
    return np.concatenate(diameters), np.concatenate(index)


def measured_kinds(classes: Sequence[str], diameters: Sequence[np.ndarray], fallback: float) -> list[dict[str, object]]:
    """Kinds of cells, as `Population` takes them, from annotated ones: per class the diameters, empty where they are
    not known."""
    kinds: list[dict[str, object]] = []
    for name, d in zip(classes, diameters, strict=True):
        kind: dict[str, object] = {"name": name, "share": max(len(d), 1)}
        kind["diameter"] = float(np.median(d)) if len(d) else fallback
        if len(d) >= FEW:
            kind["diameter_sd"] = float(np.clip(np.log(d).std(), 0.08, 0.5))
        kinds.append(kind)
    return kinds
