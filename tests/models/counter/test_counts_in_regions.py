"""Counting in regions: the cells of the whole image, each once, wherever the network looks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from scenes import discs

from neubauer.cells.filters import Filters
from neubauer.cells.regions.prepare import make_regions
from neubauer.cells.regions.regions import Region, Regions
from neubauer.cells.regions.table import regions_table
from neubauer.cells.table import Cells, CountEstimate
from neubauer.errors import InputError
from neubauer.images.read import from_array
from neubauer.models.counter import predict
from neubauer.models.counter.focus import Focus
from neubauer.models.counter.interval import estimate, estimate_of_part, interval
from neubauer.models.counter.parts import count_regions, filter_cells
from neubauer.models.counter.predict import TrainedCounter

DIAMETER, SIDE = 16.0, 400


@pytest.fixture(scope="module")
def counter() -> TrainedCounter:
    return TrainedCounter.load("nuclei-fluorescence")


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    return discs(70, size=SIDE, radius=(7, 9), seed=3, gap=1)[0]


@pytest.fixture(scope="module")
def whole(counter: TrainedCounter, scene: np.ndarray) -> Cells:
    return counter.predict(scene, diameter=DIAMETER)


def regions_of(*boxes: tuple[int, int, int, int], kind: str = "") -> Regions:
    """Of `y0, x0, y1, x1`."""
    drawn = [Region(f"r{i}", shapely.box(x0, y0, x1, y1), kind) for i, (y0, x0, y1, x1) in enumerate(boxes)]
    return make_regions(drawn, (SIDE, SIDE), "drawn")


def rows(cells: Cells) -> np.ndarray:
    return cells.table[["centroid-0", "centroid-1", "area", "probability"]].to_numpy()


ALL = regions_of((0, 0, SIDE, SIDE))
HALVES = regions_of((0, 0, SIDE, 190), (0, 190, SIDE, SIDE), kind="half")


def test_one_region_that_covers_all_changes_nothing(counter: TrainedCounter, scene: np.ndarray, whole: Cells) -> None:
    cells = counter.predict(scene, diameter=DIAMETER, regions=ALL)
    assert cells.estimates == whole.estimates
    assert cells.region_estimates == [whole.estimates]
    assert (cells.table.drop(columns="region") == whole.table).all(axis=None)
    assert cells.labels is not None
    assert (cells.labels == whole.labels).all()
    assert cells.flags == whole.flags


def test_parts_add_up_to_the_whole(counter: TrainedCounter, scene: np.ndarray, whole: Cells) -> None:
    cells = counter.predict(scene, diameter=DIAMETER, regions=HALVES)
    left, right, pooled = (e["total"] for e in cells.region_estimates)
    assert left.count + right.count == pooled.count == len(whole)
    assert pooled == whole.estimates["total"]
    rule = whole.estimates["total"].rule
    assert rule is not None
    assert rule[0] == counter.config.calibration.interval_width["total"]
    assert (left.low, left.high) == interval(left.count, *rule)
    assert (cells.table["region"] == np.where(cells.table["centroid-1"] + 0.5 < 190, "r0", "r1")).all()


@pytest.fixture
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Images of 400 pixels count as large."""
    monkeypatch.setattr(predict, "PROBE", 128)


@pytest.mark.parametrize("tile", [128, 256, 1024])
def test_near_regions_the_same_is_found(
    counter: TrainedCounter, scene: np.ndarray, whole: Cells, small_steps: None, tile: int
) -> None:
    regions = regions_of((20, 30, 90, 170), (250, 100, 390, 200), (255, 105, 300, 150), (340, 340, 400, 400))
    cells = counter.predict(scene, diameter=DIAMETER, regions=regions, tile=tile)
    inside = regions.members(whole.table[["centroid-0", "centroid-1"]].to_numpy()).any(1)
    assert 10 < inside.sum() < len(whole) / 2
    assert rows(cells) == pytest.approx(rows(whole)[inside], abs=1e-3)
    assert cells.table["label"].tolist() == list(range(1, len(cells) + 1))
    assert cells.labels is not None
    assert set(np.unique(cells.labels)) == set(range(len(cells) + 1))


def test_the_network_looks_near_regions_alone(counter: TrainedCounter, scene: np.ndarray, small_steps: None) -> None:
    layout, _, _ = counter.locate(from_array(scene), diameter=DIAMETER, tile=128, regions=regions_of((20, 30, 40, 50)))
    seen = np.isfinite(layout.features[..., 0])
    assert seen[0, 0]
    assert not seen[-1].any()
    assert not seen[:, -1].any()
    assert not layout.foreground[-100:].any()


def test_every_tile_is_looked_at_once() -> None:
    rng = np.random.default_rng(0)
    boxes = [(y, x, y + 30, x + 40) for y, x in rng.integers(0, SIDE - 40, (12, 2))]
    regions, size = regions_of(*boxes), (600, 600)
    tiles = [(y, y + 200, x, x + 200) for y in range(0, 600, 200) for x in range(0, 600, 200)]
    times = np.zeros(size, int)
    for top, bottom, left, right in Focus(regions, 10.0).looks(iter(tiles), (SIDE, SIDE), size, 8):
        assert top % 8 == left % 8 == 0
        times[top:bottom, left:right] += 1
    assert times.max() == 1
    for y0, x0, y1, x1 in boxes:
        low, high = (np.array((y0, x0)) * 1.5 - 10).astype(int), (np.array((y1, x1)) * 1.5 + 10).astype(int)
        assert (times[max(low[0], 0) : high[0], max(low[1], 0) : high[1]] == 1).all()


def test_density_is_added_up_in_each_region(counter: TrainedCounter, scene: np.ndarray) -> None:
    regions = make_regions(
        [
            Region("left", shapely.Polygon([(0, 0), (200, 0), (130, SIDE), (0, SIDE)])),
            Region("right", shapely.Polygon([(200, 0), (SIDE, 0), (SIDE, SIDE), (130, SIDE)])),
        ],
        (SIDE, SIDE),
        "drawn",
    )
    plain = counter.locate(from_array(scene), diameter=DIAMETER, tile=128)[0]
    layout, objects, _ = counter.locate(from_array(scene), diameter=DIAMETER, tile=128, regions=regions)
    assert layout.density_sums == pytest.approx(plain.density_sums)
    assert layout.part_sums.sum(0) == pytest.approx(plain.density_sums)
    members = regions.members(objects.centres)
    assert layout.part_sums.sum(1) == pytest.approx(members.sum(0), abs=4)


def test_what_was_counted_already_is_counted_in_regions(
    counter: TrainedCounter, scene: np.ndarray, whole: Cells
) -> None:
    regions = regions_of((0, 0, SIDE, 150), (100, 100, 200, 200), (120, 120, 130, 130))
    later, before = count_regions(whole, regions), counter.predict(scene, diameter=DIAMETER, regions=regions)
    assert later.region_estimates == before.region_estimates
    assert later.estimates == before.estimates
    assert (later.table == before.table).all(axis=None)
    assert len(whole.table) == whole.labels.max()  # type: ignore[union-attr] # is as it was
    with pytest.raises(InputError, match="100 x 100"):
        count_regions(whole, replace(regions, shape=(100, 100)))


def test_regions_of_another_image_are_an_error(counter: TrainedCounter, scene: np.ndarray) -> None:
    with pytest.raises(InputError, match="400 x 400 pixels; expected 50 x 60"):
        counter.predict(scene[:50, :60], diameter=DIAMETER, regions=ALL)


def test_no_regions_no_cells(counter: TrainedCounter, scene: np.ndarray, small_steps: None) -> None:
    cells = counter.predict(scene, diameter=DIAMETER, regions=Regions((SIDE, SIDE), (), ("nothing",)))
    assert len(cells) == 0
    assert cells.estimates["total"].count == 0
    assert cells.flags[0] == "nothing"
    assert len(regions_table(cells)) == 0


def test_filters_scale_counts_of_image_and_regions(counter: TrainedCounter, scene: np.ndarray, whole: Cells) -> None:
    cells = counter.predict(scene, diameter=DIAMETER, regions=HALVES)
    median = float(whole.table["area"].median())
    kept = filter_cells(cells, Filters(min_area=median))
    assert 0 < len(kept) < len(cells)
    assert kept.info["left_out"] == len(cells) - len(kept)
    assert kept.estimates["total"].count == len(kept)
    assert kept.estimates["total"] == estimate_of_part(cells.estimates["total"], len(kept), len(cells))
    left, right, pooled = (e["total"].count for e in kept.region_estimates)
    assert left == (kept.table["region"] == "r0").sum()
    assert left + right == pooled == len(kept)
    assert kept.labels is not None
    assert kept.labels.max() == len(kept)
    assert filter_cells(cells, Filters()) is cells


def test_interval_of_a_part() -> None:
    found = estimate(100, 0.8, 0.2)
    part = estimate_of_part(found, 25, 100)
    assert (part.count, part.low, part.high) == (25, *interval(25, 0.8, 0.2))
    assert (part.high - part.low) / 25 > (found.high - found.low) / 100
    nothing = estimate_of_part(found, 0, 100)
    assert (nothing.count, nothing.low) == (0, 0)
    assert nothing.high >= interval(0, 0.8)[1]
    assert estimate_of_part(replace(found, low=0), 50, 100).low == 0
    other = estimate_of_part(CountEstimate(100, 80, 130), 25, 100)  # made otherwise: 1/4 would be 20 to 32.5
    assert other.low < 20
    assert other.high > 32.5
    assert estimate_of_part(found, 100, 100) is found


def test_table_of_regions(counter: TrainedCounter, scene: np.ndarray) -> None:
    image = scene.astype(np.float32)
    image[:40, :10] = np.nan
    source = from_array(image, pixel_size_um=(0.5, 0.25))
    drawn = [
        Region("outer", shapely.box(0, 0, 200, 400), "core"),
        Region("inner", shapely.box(50, 50, 100, 100), "core"),
        Region("line", shapely.box(5, 5, 5, 9)),
    ]
    cells = counter.predict(source, diameter=DIAMETER, regions=make_regions(drawn, (SIDE, SIDE), "drawn"))
    table = regions_table(cells, source).set_index(["level", "region"])
    assert list(table.index) == [("region", "outer"), ("region", "inner"), ("region", "line"), ("class", "")]
    assert table["parent"].tolist() == ["", "outer", "", ""]
    assert table["regions"].tolist() == [1, 1, 1, 2]
    outer, inner, line = (table.loc[("region", name)] for name in ("outer", "inner", "line"))
    assert (outer["area_px"], inner["area_px"], line["area_px"]) == (200 * 400 - 400, 2500, 0)
    assert outer["area_mm2"] == pytest.approx(79600 * 0.125e-6, rel=1e-5)
    assert outer["area_share"] == pytest.approx(79600 / SIDE**2, abs=1e-6)
    for end in ("", "_low", "_high"):
        assert outer[f"total_per_mm2{end}"] == pytest.approx(outer[f"total{end}"] / outer["area_mm2"], rel=1e-4)
    assert outer["total"] == table.loc[("class", ""), "total"] == len(cells)
    assert table["total_per_million_px"].isna().all()
    assert np.isnan(line["total_per_mm2"])
    with pytest.raises(InputError, match="without regions"):
        regions_table(replace(cells, regions=None))
