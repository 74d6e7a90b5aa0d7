"""Where pixels are missing nothing is counted; elsewhere the count is that of the image as it was."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from scenes import discs

from neubauer.cells.table import Cells
from neubauer.errors import InputError
from neubauer.images.channel import choose_channel
from neubauer.images.read import from_array
from neubauer.models.counter.missing import missing_flags
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.shared.inputs import Annotated, collect

DIAMETER = 16.0


@pytest.fixture(scope="module")
def counter() -> TrainedCounter:
    return TrainedCounter.load("nuclei-fluorescence")


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return discs(24, size=200, radius=(7, 9), seed=3, gap=3)[0].astype(np.float32)


@pytest.fixture(scope="module")
def whole(counter: TrainedCounter, scene: np.ndarray) -> Cells:
    return counter.predict(scene, diameter=DIAMETER)


def centres(cells: Cells) -> np.ndarray:
    return cells.table[["centroid-0", "centroid-1"]].to_numpy()


def beyond(cells: Cells, x: float) -> Iterator[tuple[int, int]]:
    return ((round(a), round(b)) for a, b in centres(cells) if b > x)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_dead_pixel_costs_no_cell(counter: TrainedCounter, scene: np.ndarray, whole: Cells, value: float) -> None:
    y, x = (round(c) for c in centres(whole)[5])  # in the middle of a cell
    broken = scene.copy()
    broken[y, x] = value
    cells = counter.predict(broken, diameter=DIAMETER)
    assert len(cells) == len(whole)
    assert cells.estimates["total"].count == pytest.approx(whole.estimates["total"].count, abs=0.5)
    assert cells.info["missing_pixels"] == 1
    assert cells.flags[0] == "1 pixel of the image is missing (not a number): nothing is counted there"
    assert np.isfinite(cells.table["intensity_mean"]).all()


def test_a_fifth_of_a_registered_image(counter: TrainedCounter, scene: np.ndarray, whole: Cells) -> None:
    broken = scene.copy()
    broken[:, :40] = np.nan
    cells = counter.predict(broken, diameter=DIAMETER)
    assert cells.info["missing_share"] == pytest.approx(0.2)
    assert cells.flags[0] == "20.0 % of the image is missing (not a number): nothing is counted there"
    assert set(beyond(cells, 50)) == set(beyond(whole, 50))
    assert centres(cells)[:, 1].min() > 38
    assert len(cells) < len(whole)
    _, _, info = counter.locate(from_array(scene), diameter=DIAMETER)
    assert "missing_share" not in info


def test_cells_and_density_in_what_is_missing_do_not_count(
    counter: TrainedCounter, scene: np.ndarray, whole: Cells
) -> None:
    """Even if the network sees cells there: here those that are under the mask."""
    lost = np.zeros(scene.shape, bool)
    lost[70:150, 60:180] = True
    source = from_array(scene)
    masked = np.ma.MaskedArray(scene[None], lost[None])
    source._read_region = lambda y0, y1, x0, x1: masked[:, y0:y1, x0:x1].copy()
    layout, objects, _ = counter.locate(source, diameter=DIAMETER)
    inside = [lost[round(y), round(x)] for y, x in centres(whole)]
    assert 3 < sum(inside) < len(whole)
    assert abs(len(objects) - (len(whole) - sum(inside))) <= 2  # cells at the rim count by their larger part
    assert layout.density_sums.sum() == pytest.approx(len(objects), abs=3)
    tiled, again, _ = counter.locate(source, diameter=DIAMETER, tile=128)
    np.testing.assert_allclose(tiled.density_sums, layout.density_sums, rtol=1e-3)
    np.testing.assert_allclose(again.centres, objects.centres)


def test_another_channel_may_be_missing(counter: TrainedCounter, scene: np.ndarray, whole: Cells) -> None:
    both = np.stack([np.full_like(scene, np.nan), scene])
    cells = counter.predict(both, diameter=DIAMETER, channel=1)
    assert len(cells) == len(whole)
    assert not any("missing" in flag for flag in cells.flags)
    with pytest.raises(InputError, match="no pixel that has a number"):
        counter.predict(choose_channel(from_array(both), 0), diameter=DIAMETER)
    with pytest.raises(InputError, match="scan: found no pixel value but NaN"):
        counter.locate(from_array(np.full((40, 50), np.nan), name="scan"), diameter=DIAMETER)


def test_words() -> None:
    def said(number: int, total: int) -> str:
        return missing_flags({"missing_pixels": number, "missing_share": number / total})[0].split(" of the image ")[0]

    assert said(3, 100_000) == "3 pixels"
    assert said(60, 100_000) == "0.1 %"
    assert said(12_345, 100_000) == "12.3 %"
    assert missing_flags({}) == []


def test_annotations_know_nothing_of_what_is_missing() -> None:
    image, annotation = discs(8, seed=1)
    broken = image.astype(np.float32)
    broken[:, :30] = broken[60, 70] = np.nan
    (pair,) = collect([broken], [annotation])
    assert isinstance(pair, Annotated)
    assert pair.annotation.ignore is not None
    np.testing.assert_array_equal(pair.annotation.ignore, np.arange(128)[None] < np.full((128, 1), 30))
    (plain,) = collect([image.astype(np.float32)], [annotation])
    assert plain.annotation.ignore is None
