"""Which cells filters keep."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from neubauer.cells.filters import Filters, parse_area
from neubauer.cells.table import Cells
from neubauer.errors import InputError

BOXES = [(0, 5, 10, 15), (40, 40, 50, 50), (90, 5, 100, 15), (5, 0, 15, 10), (5, 90, 15, 100), (0, 90, 10, 100)]
"""At the top, inside, at the bottom, at the left, at the right, in the upper right corner."""


def six(pixel_size_um: tuple[float, float] | None = None) -> Cells:
    columns = {f"bbox-{i}": [box[i] for box in BOXES] for i in range(4)}
    table = pd.DataFrame(
        {"label": np.arange(6) + 1, "class": "cell", "probability": np.linspace(0.1, 0.6, 6)} | columns
    )
    table["area"] = [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    return Cells(table, ("cell",), "six", (100, 100), pixel_size_um=pixel_size_um)


@pytest.mark.parametrize(
    ("rule", "kept"),
    [("include", [1, 1, 1, 1, 1, 1]), ("exclude", [0, 1, 0, 0, 0, 0]), ("two-sides", [1, 1, 0, 1, 0, 0])],
)
def test_border(rule: str, kept: list[int]) -> None:
    assert Filters(rule).keeps(six()).tolist() == [bool(k) for k in kept]  # type: ignore[arg-type]


def test_area_and_probability() -> None:
    assert Filters(min_area=20, max_area="40 px").keeps(six()).tolist() == [False, True, True, True, False, False]
    assert Filters(min_area="5um2").keeps(six((0.5, 0.5))).tolist() == [False, True, True, True, True, True]
    assert Filters(min_probability=0.45).keeps(six()).sum() == 2


@pytest.mark.parametrize(
    ("text", "area"),
    [("50", (50, False)), (12.5, (12.5, False)), ("50um2", (50, True)), ("50 µm²", (50, True)), (".5 UM^2", None)],
)
def test_areas_as_written(text: str | float, area: tuple[float, bool] | None) -> None:
    if area is None:
        with pytest.raises(InputError, match="pixels²"):
            parse_area(text)
    else:
        assert parse_area(text) == area


def test_what_cannot_be() -> None:
    with pytest.raises(InputError, match="include, exclude, two-sides"):
        Filters("some")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="min_area"):
        Filters(min_area="large")
    with pytest.raises(InputError, match="min_probability"):
        Filters(min_probability=1.5)
    with pytest.raises(InputError, match="no pixel size"):
        Filters(max_area="5um2").keeps(six())
    points = six()
    points.info["outlines"] = "markers around points: areas are not measured"
    with pytest.raises(InputError, match="trained on points"):
        Filters(max_area=5).keeps(points)


def test_only_what_is_set_is_recorded() -> None:
    assert Filters().record == {}
    assert Filters("two-sides", min_area="5um2").record == {"border": "two-sides", "min_area": "5um2"}
