"""Noise has no contrast; images with cells have."""

from __future__ import annotations

import numpy as np
import pytest
from skimage import data

from neubauer.images.contrast import LEAST, contrast_to_noise
from neubauer.images.normalise import percentile_limits
from neubauer.images.read import from_array


def contrast(array: np.ndarray) -> float:
    source = from_array(array)
    return contrast_to_noise(source, percentile_limits(source))


@pytest.mark.parametrize(("mean", "sigma"), [(10, 3), (100, 20), (1000, 30)])
def test_noise(mean: int, sigma: int) -> None:
    rng = np.random.default_rng(0)
    assert contrast(rng.normal(mean, sigma, (300, 400)).round().astype(np.uint16)) < LEAST
    assert contrast(rng.normal(mean, sigma, (300, 400)).astype(np.float32)) < LEAST
    assert contrast(rng.poisson(mean, (300, 400)).astype(np.uint8 if mean < 200 else np.uint16)) < LEAST


def test_images() -> None:
    assert contrast(data.coins()) > LEAST
    assert contrast(data.immunohistochemistry()) > LEAST
    cells, empty = data.coins(), np.zeros_like(data.coins())
    assert contrast(np.stack([empty, cells, empty], -1)) == contrast(cells)  # of the best channel


def test_without_noise() -> None:
    assert contrast(np.full((64, 64), 7, np.uint8)) == 0
    assert contrast(np.full((64, 64), 0.25, np.float32)) == 0
    drawn = np.zeros((700, 700), np.float32)
    drawn[:60, :60] = 0.5  # outside the window
    assert contrast(drawn) == np.inf
    assert contrast(np.array([[3]], np.uint8)) == np.inf
