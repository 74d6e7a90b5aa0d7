"""The rule of two borders, and aggregates."""

from __future__ import annotations

import numpy as np

from neubauer.chamber.aggregates import group_sizes
from neubauer.chamber.borders import BORDER, OUTSIDE, squares_of
from neubauer.chamber.rulings import ruling_of

SQUARES = ruling_of("neubauer-improved").squares()
R = 0.007


def box(x: float, y: float) -> tuple[float, float, float, float]:
    return x - R, y - R, x + R, y + R


def test_upper_and_left_count_lower_and_right_do_not() -> None:
    one = [s for s in SQUARES if (s.row, s.column) == (0, 0)]
    cells = [box(0.5, 0.5), box(0, 0.5), box(0.5, 0), box(1, 0.5), box(0.5, 1), box(0, 1), box(1, 0), box(1.3, 0.5)]
    assert squares_of(np.array(cells), one).tolist() == [0, 0, 0, BORDER, BORDER, BORDER, BORDER, OUTSIDE]


def test_a_cell_that_only_touches_counts_by_its_side() -> None:
    one = [s for s in SQUARES if (s.row, s.column) == (1, 1)]
    left, right = box(1 - 0.9 * R, 1.5), box(2 - 0.9 * R, 1.5)
    assert squares_of(np.array([left, right]), one).tolist() == [0, BORDER]
    assert squares_of(np.array([box(1 - 1.1 * R, 1.5)]), one).tolist() == [OUTSIDE]


def test_every_cell_counts_once_where_squares_cover_the_plane() -> None:
    rng = np.random.default_rng(0)
    cells = np.array([box(x, y) for x, y in rng.uniform(0, 3 - R, (500, 2))])
    found = squares_of(cells, SQUARES)
    assert (found >= 0).all()
    alone = sum((squares_of(cells, [s]) == 0).astype(int) for s in SQUARES)
    assert (alone == 1).all()


def test_groups_of_touching_cells() -> None:
    centres = np.array([[0, 0], [14, 0], [28, 0], [100, 0], [114, 0], [200, 0]], float)
    assert group_sizes(centres, np.full(6, 14.0)).tolist() == [3, 3, 3, 2, 2, 1]
    assert group_sizes(centres[:1], np.full(1, 14.0)).tolist() == [1]
    assert group_sizes(np.zeros((0, 2)), np.zeros(0)).tolist() == []
