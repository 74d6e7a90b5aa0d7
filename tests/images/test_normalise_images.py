"""Percentile limits and the scale they make."""

import numpy as np
import pytest

from neubauer.errors import InputError
from neubauer.images.normalise import normalise, percentile_limits
from neubauer.images.read import from_array


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64"])
def test_limits_are_the_percentiles(dtype):
    pixels = (np.random.default_rng(0).random((3, 80, 90)) * 250).astype(dtype)
    limits = percentile_limits(from_array(pixels))
    assert (limits.shape, limits.dtype) == ((3, 2), np.float32)
    np.testing.assert_allclose(limits, np.percentile(pixels, [1, 99.8], axis=(1, 2)).T, rtol=1e-6)
    np.testing.assert_allclose(
        percentile_limits(from_array(pixels), low=5, high=50), np.percentile(pixels, [5, 50], axis=(1, 2)).T, rtol=1e-6
    )


@pytest.mark.parametrize("shape", [(2, 1500, 1100), (2, 1, 100_000), (2, 100_000, 1)])
def test_large_images_are_sampled_by_region(monkeypatch, shape):
    monkeypatch.setattr("neubauer.images.bands.BAND_BYTES", 300_000)
    pixels = np.random.default_rng(0).gamma(2, 900, shape).astype(np.uint16)
    source = from_array(pixels, axes="CYX")
    rows, masked = [], source.masked
    monkeypatch.setattr(source, "masked", lambda y0, y1, x0, x1: rows.append((y0, y1)) or masked(y0, y1, x0, x1))
    limits = percentile_limits(source, max_pixels=60_000)
    whole = np.percentile(pixels, [1, 99.8], axis=(1, 2)).T
    np.testing.assert_allclose(limits, whole, rtol=0.15)
    np.testing.assert_array_equal(limits, percentile_limits(from_array(pixels, axes="CYX"), max_pixels=60_000))
    assert max((y1 - y0) * shape[2] * 4 for y0, y1 in rows) <= max(300_000, shape[2] * 4)


def test_the_sample_does_not_depend_on_the_bands(monkeypatch):
    pixels = np.random.default_rng(0).integers(0, 60_000, (1, 700, 300), dtype=np.uint16)
    whole = percentile_limits(from_array(pixels), max_pixels=20_000)
    monkeypatch.setattr("neubauer.images.bands.BAND_BYTES", 20_000)
    np.testing.assert_array_equal(percentile_limits(from_array(pixels), max_pixels=20_000), whole)
    np.testing.assert_allclose(whole, np.percentile(pixels[:, ::4, ::4], [1, 99.8], axis=(1, 2)).T)


def test_constant_and_nearly_constant_channels():
    pixels = np.full((3, 100, 100), 7, np.uint16)
    pixels[1, 3, 4] = 90
    pixels[2] = 60_000
    np.testing.assert_array_equal(percentile_limits(from_array(pixels)), [[7, 8], [7, 90], [60_000, 60_001]])
    low, high = percentile_limits(from_array(np.full((9, 9), 1e9, np.float32)))[0]
    assert low < high


def test_normalise():
    pixels = np.array([[[10, 30, 20, 0, 65_535]], [[5, 6, 4, 5, 5]]], np.uint16)
    out = normalise(pixels, np.array([[10, 30], [5, 6]]))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, [[[0, 1, 0.5, -0.5, 2]], [[0, 1, -0.5, 0, 0]]])
    assert pixels[0, 0, 0] == 10
    with pytest.raises(ValueError, match="2 channels"):
        normalise(pixels, np.array([[10, 30]]))


def test_normalise_does_not_write_to_its_input():
    pixels = np.ones((1, 4, 4), np.float32)
    normalise(pixels, np.array([[0, 2]]))
    assert (pixels == 1).all()


def test_values_beyond_float32_are_refused() -> None:
    huge = np.arange(60, dtype=np.float64).reshape(6, 10) * 1e300
    with pytest.raises(InputError, match=r"5\.9e\+301"):
        percentile_limits(from_array(huge))
