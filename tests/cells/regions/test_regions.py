"""Regions: which cell lies where, what lies in what, and what is mended."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from neubauer.cells.regions.prepare import make_regions
from neubauer.cells.regions.raster import mask_of
from neubauer.cells.regions.regions import Region, Regions
from neubauer.errors import InputError


def boxes(*sides: tuple[float, float, float, float], shape: tuple[int, int] = (100, 120)) -> Regions:
    """Regions from `y0, x0, y1, x1`."""
    drawn = [Region(str(i), shapely.box(x0, y0, x1, y1)) for i, (y0, x0, y1, x1) in enumerate(sides)]
    return make_regions(drawn, shape, "drawn")


def test_each_centre_lies_in_one_of_neighbours_also_on_their_border() -> None:
    regions = boxes((0, 0, 100, 60), (0, 60, 50, 120), (50, 60, 100, 120))
    y, x = np.mgrid[:99.5:0.5, :119.5:0.5]  # every half of a pixel, the border among them
    members = regions.members(np.stack([y.ravel(), x.ravel()], 1))
    assert (members.sum(1) == 1).all()
    assert regions.members(np.array([[10, 59.4], [10, 59.6]])).tolist() == [[True, False, False], [False, True, False]]


def test_nested_regions_hold_a_cell_both_and_the_innermost_names_it() -> None:
    regions = boxes((10, 10, 90, 90), (20, 20, 60, 60), (30, 30, 40, 40), (0, 100, 10, 110))
    assert regions.parents == (None, 0, 1, None)
    members = regions.members(np.array([[35, 35], [50, 50], [80, 80], [5, 105], [95, 95]]))
    assert members.sum(1).tolist() == [3, 2, 1, 1, 0]
    assert regions.innermost(members).tolist() == [2, 1, 0, 3, -1]


def test_of_equal_regions_the_first_is_the_parent() -> None:
    assert boxes((0, 0, 50, 50), (0, 0, 50, 50)).parents == (None, 0)


def test_what_lies_in_a_hole_lies_outside() -> None:
    ring = shapely.Polygon([(0, 0), (80, 0), (80, 80), (0, 80)], [[(20, 20), (60, 20), (60, 60), (20, 60)]])
    regions = make_regions([Region("ring", ring), Region("plug", shapely.box(30, 30, 50, 50))], (100, 100), "drawn")
    assert regions.parents == (None, None)
    assert regions.members(np.array([[10, 10], [25, 25], [40, 40]])).tolist() == [
        [True, False],
        [False, False],
        [False, True],
    ]


def test_a_class_is_one_region_in_which_nothing_counts_twice() -> None:
    drawn = [Region("a", shapely.box(0, 0, 20, 20), "tumour"), Region("b", shapely.box(10, 0, 30, 20), "tumour")]
    regions = make_regions([*drawn, Region("c", shapely.box(50, 50, 60, 60))], (100, 100), "drawn")
    (pool,) = regions.pools
    assert pool.kind == "tumour"
    assert pool.area.area == 600
    assert regions.members(np.array([[5, 15]]))[0].tolist() == [True, True, False, True]


def test_mask_is_what_polygons_hold() -> None:
    rng = np.random.default_rng(0)
    star = shapely.Polygon(
        [
            (50 + r * np.cos(t), 40 + r * np.sin(t))
            for t, r in zip(np.linspace(0, 6.2, 40), rng.uniform(5, 39, 40), strict=True)
        ],
    )
    area = shapely.union_all([star.difference(shapely.box(45, 35, 52, 47)), shapely.box(95, 5, 110, 20)])
    y, x = np.arange(80) + 0.5, np.arange(30, 115) + 0.5
    found = mask_of(area, y, x)
    expected = shapely.contains_xy(area, *np.meshgrid(x, y))
    assert (found == expected).all()
    assert found.any()
    assert not mask_of(shapely.Polygon(), y, x).any()


def test_neighbours_share_no_pixel_of_a_mask_and_leave_none() -> None:
    one, other = shapely.Polygon([(0, 0), (10, 0), (10, 10)]), shapely.Polygon([(0, 0), (10, 10), (0, 10)])
    at = np.arange(10) + 0.5
    assert (mask_of(one, at, at) ^ mask_of(other, at, at)).all()


def test_what_crosses_itself_is_made_valid_and_said() -> None:
    bow = shapely.Polygon([(0, 0), (20, 20), (20, 0), (0, 20)])
    regions = make_regions([Region("bow", bow)], (100, 100), "drawn")
    assert regions.regions[0].area.area == pytest.approx(200)
    assert regions.notes == ("region crossing itself and made valid: bow",)


def test_regions_beyond_the_image_are_cut_and_said() -> None:
    regions = boxes((-10, 0, 10, 20), (200, 200, 210, 210), (0, 0, 0, 10))
    assert [r.area.area for r in regions.regions] == [200, 0, 0]
    assert regions.notes == (
        "region without any area: 2",
        "region outside of the image: 1",
        "region reaching beyond the image and cut off at its border: 0 (50.0 %)",
    )


def test_regions_of_another_image_are_an_error() -> None:
    with pytest.raises(InputError, match=r"all lie outside of the image \(y 300 to 400, x 300 to 500\).*100 x 120"):
        boxes((300, 300, 400, 500))
    with pytest.raises(InputError, match="no region"):
        boxes()


def test_names_differ() -> None:
    square = shapely.box(0, 0, 5, 5)
    given = [("a", ""), ("a", ""), ("", "tumour"), ("", "tumour"), ("", ""), ("a 2", "")]
    regions = make_regions([Region(n, square, k) for n, k in given], (10, 10), "drawn")
    assert [r.name for r in regions.regions] == ["a", "a 3", "tumour 1", "tumour 2", "region 1", "a 2"]
