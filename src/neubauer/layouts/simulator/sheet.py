"""What the simulator assumes, as a picture: real images beside drawings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neubauer.layouts.simulator.appearance import Appearance
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.simulator.render import render
from neubauer.layouts.simulator.simulate import simulate

GAP = 4


def contact_sheet(
    images: Sequence[np.ndarray],
    population: Population,
    appearance: Appearance,
    *,
    columns: int = 6,
    side: int = 192,
    zoom: int = 1,
    seed: int = 0,
) -> np.ndarray:
    """Real crops in the upper half, drawings in the lower one, at the same scale.

    Parameters
    ----------
    images : (C, Y, X), normalised, at the scale of `population`.
    population, appearance : what is assumed.
    columns : pictures in each half.
    side : of each, pixels.
    zoom : whole number by which all is enlarged.
    seed : of crops and drawings.

    Returns
    -------
    (Y, X, 3) uint8.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(images))
    real = [_crop(images[order[i % len(order)]], side, rng) for i in range(columns)]
    drawn = []
    for _ in range(columns):
        scene = simulate(population, (side, side), rng)
        drawn.append(_rgb(render(scene, population, appearance, rng)))
    rows = [_row(part) for part in (real, drawn)]
    line = np.full((3 * GAP, rows[0].shape[1], 3), 255, np.uint8)
    page = np.concatenate([rows[0], line, rows[1]])
    return page.repeat(zoom, 0).repeat(zoom, 1)


def save_contact_sheet(path: str | Path, sheet: np.ndarray) -> None:
    """Write the picture as PNG.

    Raises
    ------
    OutputError : it cannot be written.
    """
    from PIL import Image

    from neubauer.images.write import atomic_path

    with atomic_path(path) as temporary:
        Image.fromarray(sheet).save(temporary, format="PNG")


def _crop(image: np.ndarray, side: int, rng: np.random.Generator) -> np.ndarray:
    """(side, side, 3) uint8; white where the image is smaller."""
    top, left = (int(rng.integers(max(n - side, 0) + 1)) for n in image.shape[1:])
    part = _rgb(image[:, top : top + side, left : left + side])
    page = np.full((side, side, 3), 255, np.uint8)
    page[: part.shape[0], : part.shape[1]] = part
    return page


def _rgb(image: np.ndarray) -> np.ndarray:
    """(C, Y, X) normalised -> (Y, X, 3) uint8: grey, or the first three channels."""
    channels = image[:3] if len(image) >= 3 else np.repeat(image.mean(0, keepdims=True), 3, 0)
    return np.round(255 * np.clip(channels, 0, 1)).astype(np.uint8).transpose(1, 2, 0)


def _row(parts: Sequence[np.ndarray]) -> np.ndarray:
    gap = np.full((parts[0].shape[0], GAP, 3), 255, np.uint8)
    return np.concatenate([p for part in parts for p in (part, gap)][:-1], 1)
