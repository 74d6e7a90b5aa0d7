"""Measures of how an image was taken move as they should."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scenes import discs
from scipy.ndimage import gaussian_filter

from neubauer.images.quality import MEASURES, measure_quality
from neubauer.images.read import from_array


def of(image: np.ndarray, axes: str | None = None) -> dict[str, float]:
    return measure_quality(from_array(image, axes=axes))


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return discs(20, size=256, seed=1)[0].astype(np.float32)


def test_blur_lowers_focus_and_steepens_the_spectrum(scene: np.ndarray) -> None:
    sharp, soft, softer = (of(gaussian_filter(scene, s)) for s in (0.5, 1.5, 4))
    assert sharp["focus"] > 2 * soft["focus"] > 4 * softer["focus"]
    assert sharp["spectral_slope"] > soft["spectral_slope"]
    brighter = of(3 * gaussian_filter(scene, 1.5) + 500)
    assert brighter["focus"] == pytest.approx(soft["focus"], rel=1e-3), "brightness and contrast do not matter"


def test_cut_off_ends_are_told_from_rare_values() -> None:
    rng = np.random.default_rng(0)
    values = np.rint(rng.normal(100, 20, (300, 300)))
    free = of(np.clip(values, 0, 255).astype(np.uint8))
    assert free["saturated_low"] < 1e-3
    assert free["saturated_high"] < 1e-3
    cut = of(np.clip(values, 90, 130).astype(np.uint8))
    assert cut["saturated_low"] == pytest.approx((values <= 90).mean(), abs=0.01)
    assert cut["saturated_high"] == pytest.approx((values >= 130).mean(), abs=0.01)
    dim = of(np.rint(rng.normal(6, 0.8, (300, 300))).astype(np.uint8))
    assert dim["saturated_low"] < 0.01, "few grey values are no cut"


@pytest.mark.parametrize("bright_field", [False, True])
def test_uneven_light_is_seen_behind_the_cells(scene: np.ndarray, bright_field: bool) -> None:
    image = 4000 - scene if bright_field else scene
    y, x = np.mgrid[-1:1:256j, -1:1:256j]
    even, shaded = of(image), of(image * (1 - 0.25 * (y**2 + x**2)))
    assert even["unevenness"] < 0.05
    assert shaded["unevenness"] > 0.15


def test_large_images_are_sampled_and_channels_seen_together() -> None:
    rng = np.random.default_rng(0)
    large = rng.integers(50, 60, (3, 1500, 2000), dtype=np.uint16)
    large[1] = 9
    found = of(large, "CYX")
    assert found["intensity"] == pytest.approx((54.5 + 9 + 54.5) / 3, abs=0.1)
    assert found["saturated_high"] < 0.2, "the channel of one value is left out"


@pytest.mark.parametrize("shape", [(1, 1), (2, 40), (5, 5)])
def test_what_is_too_small_or_empty_is_not_known(shape: tuple[int, int]) -> None:
    found = of(np.full(shape, 7, np.uint8))
    assert set(found) == set(MEASURES)
    assert found["intensity"] == 7
    assert all(math.isnan(found[key]) for key in ("focus", "unevenness", "saturated_low"))


def test_missing_pixels_do_not_spread(scene: np.ndarray) -> None:
    holed = scene.copy()
    holed[:20, :20] = np.nan
    assert all(math.isfinite(value) for value in of(holed).values())
