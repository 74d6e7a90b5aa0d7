"""Pixels that are no numbers: something harmless is read in their place, and everyone can ask where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from neubauer.errors import InputError
from neubauer.images.channel import choose_channel
from neubauer.images.contrast import contrast_to_noise
from neubauer.images.missing import count_missing, missing_share, refuse_missing
from neubauer.images.normalise import percentile_limits
from neubauer.images.read import from_array, open_image
from neubauer.images.stain import separate_stain


def field(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).gamma(2, 100, shape).astype(np.float32)


def test_the_median_stands_for_missing_pixels() -> None:
    pixels = field(2, 60, 80)
    lost = np.zeros((60, 80), bool)
    lost[:, :20] = lost[30, 40] = lost[31, 41] = True
    broken = pixels.copy()
    broken[1, lost] = np.nan
    broken[1, 31, 41] = -np.inf
    source = from_array(broken)
    for box in ((0, 60, 0, 80), (25, 40, 10, 50)):
        y0, y1, x0, x1 = box
        found = source.region(*box)
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(source.missing(*box), lost[y0:y1, x0:x1])
        np.testing.assert_array_equal(found[0], pixels[0, y0:y1, x0:x1])
        usual = np.percentile(pixels[1, ~lost], 50, method="lower")
        np.testing.assert_array_equal(found[1], np.where(lost, usual, pixels[1])[y0:y1, x0:x1])
    assert count_missing(source) == lost.sum()
    assert missing_share(source) == pytest.approx(lost.mean())
    assert count_missing(choose_channel(source, 0)) == 0
    assert count_missing(choose_channel(source, 1)) == lost.sum()


def test_integers_miss_nothing() -> None:
    source = from_array(np.zeros((20, 30), np.uint8))
    assert not source.can_miss
    assert not source.missing(0, 20, 0, 30).any()
    assert np.ma.getmask(source.masked(0, 20, 0, 30)) is np.ma.nomask


def test_limits_and_contrast_are_of_what_is_there() -> None:
    pixels = field(1, 400, 500)
    broken = pixels.copy()
    broken[:, :, :100] = np.nan
    rest, source = from_array(pixels[:, :, 100:], axes="CYX"), from_array(broken, axes="CYX")
    limits = percentile_limits(source)
    np.testing.assert_allclose(limits, percentile_limits(rest), rtol=1e-6)
    assert contrast_to_noise(source, limits) == pytest.approx(contrast_to_noise(rest, limits), rel=1e-6)


def test_large_images_are_looked_at_in_bands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pixels = field(900, 600)
    pixels[:, 500:] = np.inf
    tifffile.imwrite(tmp_path / "a.tif", pixels, tile=(64, 64))
    whole = open_image(tmp_path / "a.tif")
    monkeypatch.setattr("neubauer.images.bands.BAND_BYTES", 50_000)
    banded = open_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(banded.region(10, 90, 480, 600), whole.region(10, 90, 480, 600))
    np.testing.assert_array_equal(percentile_limits(banded), percentile_limits(whole))
    assert count_missing(banded) == 90_000


def test_an_image_of_nothing_else_is_refused() -> None:
    source = from_array(np.full((20, 30), np.nan), name="scan")
    for ask in (source.read, lambda: percentile_limits(source), lambda: count_missing(source)):
        with pytest.raises(InputError, match="scan: found no pixel value but NaN and infinity"):
            ask()
    half = np.full((2, 20, 30), np.nan)
    half[1] = 7
    source = from_array(half)  # one channel of nothing else costs the other nothing
    np.testing.assert_array_equal(percentile_limits(source), [[0, 1], [7, 8]])
    np.testing.assert_array_equal(choose_channel(source, 1).read(), half[1:])


def test_a_stain_is_missing_where_a_colour_is() -> None:
    colours = np.random.default_rng(0).random((3, 40, 50)).astype(np.float32)
    broken = colours.copy()
    broken[1, 5:9, 6] = np.nan
    stain, whole = (separate_stain(from_array(c), "haematoxylin") for c in (broken, colours))
    lost = stain.missing(0, 40, 0, 50)
    assert np.argwhere(lost).tolist() == [[y, 6] for y in range(5, 9)]
    np.testing.assert_array_equal(stain.read()[0, ~lost], whole.read()[0, ~lost])
    assert not separate_stain(from_array((colours * 255).astype(np.uint8)), "eosin").can_miss


def test_projections_miss_what_a_plane_misses(tmp_path: Path) -> None:
    stack = field(4, 30, 40)
    stack[2, 3, 4] = np.nan
    tifffile.imwrite(tmp_path / "a.tif", stack, metadata={"axes": "ZYX"})
    for project in ("max", "mean", "sum", "min"):
        source = open_image(tmp_path / "a.tif", project=project)  # type: ignore[arg-type]
        assert np.argwhere(source.missing(0, 30, 0, 40)).tolist() == [[3, 4]]
    assert count_missing(open_image(tmp_path / "a.tif", frame=1)) == 0


def test_too_much_is_refused_where_every_pixel_is_learnt() -> None:
    pixels = field(40, 50)
    pixels[0, 0] = np.nan
    assert refuse_missing(from_array(pixels)).shape == (1, 40, 50)
    pixels[:10] = np.nan
    with pytest.raises(InputError, match=r"25\.0 % is missing .*at most 0\.1 % missing"):
        refuse_missing(from_array(pixels))
