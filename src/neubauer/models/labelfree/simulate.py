"""Simulated cells as training images of the counter."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neubauer.layouts.simulator.appearance import Appearance
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.simulator.render import render
from neubauer.layouts.simulator.simulate import Scene, simulate
from neubauer.models.counter.crops import TrainingImage

Paint = Callable[[Scene, np.random.Generator], np.ndarray]
"""Scene -> (C, Y, X) float32 image, normalised."""


def procedural(population: Population, appearance: Appearance) -> Paint:
    """Painting by drawing, without a network."""

    def paint(scene: Scene, rng: np.random.Generator) -> np.ndarray:
        return render(scene, population, appearance, rng)

    return paint


def synthetic_images(population: Population, paint: Paint, n: int, size: int, seed: int) -> list[TrainingImage]:
    """Simulated images with complete masks, to be trained on alone or mixed with annotated ones.

    Parameters
    ----------
    population : at the scale of the counter's layout (see `Population.scaled`).
    paint : scene to image.
    n : how many.
    size : side in pixels; crops are cut from them.
    seed : image i depends on (seed, i) alone.
    """
    return [synthetic_image(population, paint, size, np.random.default_rng([seed, i])) for i in range(n)]


def synthetic_image(population: Population, paint: Paint, size: int, rng: np.random.Generator) -> TrainingImage:
    """One simulated image (size, size) with its masks."""
    scene = simulate(population, (size, size), rng)
    return TrainingImage(paint(scene, rng).astype(np.float16), scene.marks(), True)
