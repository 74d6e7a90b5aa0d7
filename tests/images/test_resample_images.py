"""Resampling: Pillow's result, and the same pixels by tiles."""

import numpy as np
import pytest
from PIL import Image

from neubauer.errors import InputError
from neubauer.images.resample import resample, resample_region, resampled_size

SCALES = [0.013, 0.25, 0.37, 0.5, 0.99, 1.0, 1.5, 2.0, 3.3]


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(0).random((2, 203, 151), dtype=np.float32)


@pytest.mark.parametrize("scale", SCALES)
def test_equals_pillow(pixels, scale):
    out = resample(pixels, scale)
    assert out.dtype == np.float32
    size = (out.shape[2], out.shape[1])
    assert size == (max(1, round(151 * scale)), max(1, round(203 * scale)))
    expected = [np.asarray(Image.fromarray(c).resize(size, Image.Resampling.BILINEAR)) for c in pixels]
    np.testing.assert_allclose(out, expected, atol=1e-6)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("tile", [1, 17, 64])
def test_tiles_equal_the_whole(pixels, scale, tile):
    whole = resample(pixels, scale)
    step = max(tile, whole.shape[1] // 5)  # not thousands of tiny tiles
    read = []

    def region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        assert 0 <= y0 < y1 <= 203
        assert 0 <= x0 < x1 <= 151
        read.append((y1 - y0) * (x1 - x0))
        return pixels[:, y0:y1, x0:x1]

    for y0 in range(0, whole.shape[1], step):
        for x0 in range(0, whole.shape[2], step):
            y1, x1 = min(y0 + step, whole.shape[1]), min(x0 + step, whole.shape[2])
            part = resample_region(region, (203, 151), scale, y0, y1, x0, x1)
            np.testing.assert_allclose(part, whole[:, y0:y1, x0:x1], atol=1e-6)
            margin = 2 * max(1, 1 / scale) + 2
            assert read[-1] <= ((y1 - y0) / scale * 1.05 + margin) * ((x1 - x0) / scale * 1.05 + margin)


def test_scale_1_returns_the_pixels(pixels):
    np.testing.assert_array_equal(resample(pixels, 1.0), pixels)
    np.testing.assert_array_equal(resample(np.full((1, 3, 3), 65_535, np.uint16), 1.0), np.full((1, 3, 3), 65_535.0))


@pytest.mark.parametrize("scale", SCALES)
def test_a_constant_stays_constant(scale):
    np.testing.assert_allclose(resample(np.full((1, 60, 33), 40_000, np.uint16), scale), 40_000, rtol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 5000), (1, 7, 1)])
@pytest.mark.parametrize("scale", [0.01, 0.5, 4.0])
def test_extreme_shapes(shape, scale):
    out = resample(np.ones(shape, np.float32), scale)
    assert out.shape == (1, resampled_size(shape[1], scale), resampled_size(shape[2], scale))
    np.testing.assert_allclose(out, 1, rtol=1e-6)


def test_bad_arguments(pixels):
    for scale in (0, -1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="scale"):
            resample(pixels, scale)
    with pytest.raises(ValueError, match="not inside the image of 102 x 76"):
        resample_region(lambda *box: pixels, (203, 151), 0.5, 0, 103, 0, 10)
