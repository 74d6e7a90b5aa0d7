"""The ruling is found where it is, whatever way round it lies, and not where none is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from chamber_photographs import PLAIN, shot

from neubauer.chamber.find.find import Found, find_ruling
from neubauer.chamber.rulings import ruling_of
from neubauer.chamber.simulate.photograph import Photograph
from neubauer.errors import InputError

NEUBAUER = ruling_of("neubauer-improved")


def found_in(photo: Photograph, chamber: str = "neubauer-improved") -> Found:
    return find_ruling(photo.pixels.astype(np.float32).mean(-1), ruling_of(chamber))


def corner_error(found: Found, photo: Photograph) -> float:
    """Largest distance (pixels) of a corner of a square that was found from the nearest true corner."""
    x0, y0, x1, y1 = (np.array([s.box for s in found.squares])).T
    corners = found.projection.to_pixels(np.stack([np.r_[x0, x1], np.r_[y0, y1]], 1))
    x, y = found.ruling.borders
    grid = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    true = photo.to_pixels(grid)
    return float(np.hypot(*(corners[:, None] - true[None]).transpose(2, 0, 1)).min(1).max())


@pytest.mark.parametrize(
    ("optics", "style"),
    [
        ({}, PLAIN),
        ({"turn": 0.5, "mirrored": True, "bend": -0.08}, PLAIN),
        ({"radius": np.inf, "tilt": (0.03, -0.02), "bend": 0.06}, replace(PLAIN, line=-0.35)),
    ],
)
def test_the_corners_are_where_they_are(optics: dict[str, Any], style: Any) -> None:
    photo = shot(1, style=style, **optics)
    found = found_in(photo)
    assert found.squares
    assert corner_error(found, photo) < 3
    assert found.polarity == np.sign(style.line)


def test_a_ruling_that_is_not_symmetric() -> None:
    photo = shot(2, "thoma", middle=(0.5, 0.5), turn=0.1, mirrored=True)
    found = found_in(photo, "thoma")
    assert len(found.squares) == 1
    assert corner_error(found, photo) < 3


def test_no_ruling_no_answer() -> None:
    with pytest.raises(InputError, match=r"no ruling.*expected the lines of a Neubauer improved chamber"):
        found_in(shot(3, lines=False))
    with pytest.raises(InputError, match="no ruling"):
        find_ruling(np.full((300, 300), 7.0), NEUBAUER)
    with pytest.raises(InputError, match="no ruling"):
        find_ruling(np.random.default_rng(0).normal(100, 10, (300, 300)), NEUBAUER)


def test_squares_that_are_cut_are_not_complete() -> None:
    found = found_in(shot(4, middle=(0.95, 0.95)))
    assert found.squares == ()
