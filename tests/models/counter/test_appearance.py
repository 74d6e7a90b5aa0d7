"""What the pixels of a block look like, in a few numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.stats import skew

from neubauer.models.counter.appearance import appearance, moments, numbers

STRIDE = 16


def looks(pixels: np.ndarray) -> np.ndarray:
    """Of the whole image."""
    found = moments(torch.from_numpy(pixels), STRIDE).numpy().mean((1, 2))
    return appearance(found, len(pixels))


def test_the_numbers_are_those_of_the_pixels() -> None:
    rng = np.random.default_rng(0)
    common = rng.gamma(2.0, 0.5, (64, 96))
    pixels = np.stack([common, 0.5 * common + 0.1 + rng.normal(0, 0.02, common.shape), rng.random(common.shape)])
    found = looks(pixels)
    assert len(found) == numbers(3, STRIDE)
    np.testing.assert_allclose(found[:3], pixels.mean((1, 2)), rtol=1e-4)
    np.testing.assert_allclose(np.exp(found[3:6]), pixels.std((1, 2)) + 0.01, rtol=1e-3)
    np.testing.assert_allclose(found[6:9], np.corrcoef(pixels.reshape(3, -1))[[0, 0, 1], [1, 2, 2]], atol=0.05)
    assert found[9] == pytest.approx(skew(pixels.mean(0).ravel()), rel=0.2)


def test_grain_is_told_from_shading() -> None:
    fine = np.indices((64, 64)).sum(0) % 2
    coarse = np.repeat(np.repeat(np.indices((8, 8)).sum(0) % 2, 8, 0), 8, 1)
    octaves = [looks(a[None].astype(np.float64))[-4:] for a in (fine, coarse)]
    assert octaves[0].argmax() == 0
    assert octaves[1].argmax() == 3


def test_one_channel_and_nothing_in_it() -> None:
    found = looks(np.zeros((1, 32, 32)))
    assert len(found) == numbers(1, STRIDE)
    assert np.isfinite(found).all()
