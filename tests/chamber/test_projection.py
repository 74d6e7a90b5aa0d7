"""Pixels to millimetres and back; straightened images are straight."""

from __future__ import annotations

import numpy as np
from chamber_photographs import PLAIN, shot

from neubauer.chamber.find.find import find_ruling
from neubauer.chamber.projection import Projection
from neubauer.chamber.rulings import ruling_of
from neubauer.chamber.straighten import straighten


def test_there_and_back() -> None:
    homography = np.array([[0.8, 0.1, 0.5], [-0.1, 0.85, 0.6], [0.03, -0.02, 1.0]])
    bent = Projection(
        np.array([500.0, 400.0]), np.eye(2) / 350, np.array([0.05, 0.0]), np.array([-0.08, 0.02]), homography
    )
    points = np.random.default_rng(0).uniform(200, 700, (50, 2))
    assert np.allclose(bent.to_pixels(bent.to_mm(points)), points, atol=1e-3)
    assert np.allclose(bent.with_parameters(bent.parameters()).to_mm(points), bent.to_mm(points))
    assert 330 < bent.px_per_mm(np.array([0.5, 0.6])) < 500


def test_a_straightened_square_has_its_lines_where_they_belong() -> None:
    photo = shot(5, cells=0, turn=0.3, bend=0.05, style=PLAIN)
    found = find_ruling(photo.pixels.astype(np.float32).mean(-1), ruling_of("neubauer-improved"))
    straight = straighten(photo.pixels.transpose(2, 0, 1), found)
    light = straight.light.mean(-1)
    middle = light[300:350].mean(0)  # between two horizontal lines
    at = straight.to_mm(np.column_stack([np.arange(len(middle)) + 0.5, np.zeros(len(middle))]))[:, 0]
    for line in (0.25, 0.5, 0.75):
        near = np.abs(at - line) < 0.02
        assert abs(at[near][np.argmax(middle[near])] - line) < 0.004
    assert abs(np.median(light) - 1) < 0.05
