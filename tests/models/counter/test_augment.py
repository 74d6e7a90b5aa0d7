"""Every change of a crop changes it, and leaves it in range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from neubauer.models.counter.augment import Augmentation, changed

STILL = Augmentation(often=(0, 0, 0, 0))
TISSUE = (data.immunohistochemistry()[:96, :96].transpose(2, 0, 1) / 255).astype(np.float32)
CELLS = np.zeros((96, 96), bool)
CELLS[30:60, 30:60] = True


def test_nothing_asked_for_nothing_changed() -> None:
    assert (changed(TISSUE, CELLS, STILL, np.random.default_rng(0)) == TISSUE).all()


@pytest.mark.parametrize(
    "change", ["stains", "stroma", "hues", "compression", "coarse", "illumination"], ids=lambda name: name
)
def test_each_change(change: str) -> None:
    how = replace(STILL, **{change: 1.0})
    if change == "illumination":
        how = replace(how, often=(0, 0, 1, 0), gain=(1, 1), shift=0, channel=0, gamma=(1, 1))
    found = [changed(TISSUE, CELLS, how, np.random.default_rng(seed)) for seed in range(4)]
    assert all(f.shape == TISSUE.shape and np.isfinite(f).all() for f in found)
    assert max(float(np.abs(f - TISSUE).mean()) for f in found) > 0.01
    assert min(float(f.min()) for f in found) > -0.3
    assert max(float(f.max()) for f in found) < 3


def test_stroma_lies_between_the_cells() -> None:
    how = replace(STILL, stroma=1.0)
    differences = [np.abs(changed(TISSUE, CELLS, how, np.random.default_rng(s)) - TISSUE).mean(0) for s in range(8)]
    inside, outside = (np.mean([d[m].mean() for d in differences]) for m in (CELLS, ~CELLS))
    assert outside > 2 * inside


def test_compression_of_clean_pixels_is_slight() -> None:
    flat = np.full((1, 64, 64), 0.5, np.float32)
    found = changed(flat, np.zeros((64, 64), bool), replace(STILL, compression=1.0), np.random.default_rng(0))
    assert float(np.abs(found - flat).max()) < 0.02
