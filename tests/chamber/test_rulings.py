"""The rulings are those of the textbooks."""

from __future__ import annotations

import numpy as np
import pytest

from neubauer.chamber.rulings import ruling_of, rulings
from neubauer.errors import InputError


def test_volumes_and_numbers_of_squares() -> None:
    expected = {
        "neubauer-improved": (9, 0.1),
        "fuchs-rosenthal": (16, 0.2),
        "burker": (9, 0.1),
        "thoma": (1, 0.1),
        "malassez": (100, 0.01),
    }
    found = {name: (len(r.squares()), r.volume_ul()) for name, r in rulings().items()}
    assert found.keys() == expected.keys()
    for name, (number, volume) in expected.items():
        assert found[name] == (number, pytest.approx(volume))
        assert rulings()[name].source


def test_the_centre_of_neubauer_has_25_groups_of_16() -> None:
    x = np.unique(ruling_of("neubauer-improved").lines[0][:, 1])
    inner = x[(x >= 1) & (x <= 2)]
    assert len(inner) == 21
    assert np.allclose(np.diff(inner), 0.05)


def test_only_unsymmetric_rulings_have_variants() -> None:
    assert {name: len(r.variants()) for name, r in rulings().items()} == {
        "neubauer-improved": 1,
        "fuchs-rosenthal": 1,
        "burker": 1,
        "thoma": 4,
        "malassez": 2,
    }


def test_another_depth_is_another_volume() -> None:
    assert ruling_of("neubauer-improved").volume_ul(20) == pytest.approx(0.02)


def test_an_unknown_ruling_is_named_with_the_known_ones() -> None:
    with pytest.raises(InputError, match=r"--chamber.*'neubaur'.*neubauer-improved"):
        ruling_of("neubaur")
