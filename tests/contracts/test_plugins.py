"""What a registry promises to those who register, here and in packages outside."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from neubauer.errors import InputError, NeubauerError
from neubauer.plugins import Registry


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with two entry points, of which one is broken; and a package whose modules register."""
    info = tmp_path / "toys-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: toys\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[test.toys]\nball = toys_ball\nbroken = toys_broken\n")
    (tmp_path / "toybox").mkdir()
    (tmp_path / "toybox" / "__init__.py").write_text("")
    (tmp_path / "toybox" / "car.py").write_text("from toys_registry import TOYS\nTOYS.register('car')('brumm')\n")
    (tmp_path / "toys_registry.py").write_text(
        "from neubauer.plugins import Registry\nTOYS = Registry('toy', 'toybox', 'test.toys')\n"
    )
    (tmp_path / "toys_ball.py").write_text("from toys_registry import TOYS\nTOYS.register('ball')('bounce')\n")
    (tmp_path / "toys_broken.py").write_text(
        "from toys_registry import TOYS\nTOYS.register('half')('done')\nraise RuntimeError('no wheels')\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    for name in ("toybox", "toybox.car", "toys_registry", "toys_ball", "toys_broken"):
        sys.modules.pop(name, None)


def test_modules_and_entry_points_are_found_and_a_broken_one_costs_itself(outside: Path) -> None:
    from toys_registry import TOYS  # type: ignore[import-not-found]

    assert "toybox.car" not in sys.modules, "nothing is imported before it is needed"
    with pytest.warns(UserWarning, match="the toy 'broken' of toys cannot be used: RuntimeError: no wheels"):
        assert dict(TOYS) == {"ball": "bounce", "car": "brumm"}
    with pytest.raises(InputError, match=r"'cat' \(did you mean car\?\); expected one of ball, car"):
        TOYS.find("cat")


def test_a_name_stands_for_one_thing() -> None:
    toys: Registry[str] = Registry("toy", "neubauer.sequences", "test.none")
    toys.register("car")("brumm")
    with pytest.raises(NeubauerError, match="two toys are called 'car'"):
        toys.register("car")("tut")


def test_threads_see_all_or_wait(outside: Path) -> None:
    car = outside / "toybox" / "car.py"
    car.write_text(f"import time; time.sleep(0.2)\n{car.read_text()}")
    from toys_registry import TOYS

    with pytest.warns(UserWarning, match="no wheels"), ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: list(TOYS), range(4))) == [["ball", "car"]] * 4


def test_a_module_of_ours_that_fails_is_tried_again(outside: Path) -> None:
    car = outside / "toybox" / "car.py"
    text = car.read_text()
    car.write_text("raise KeyboardInterrupt\n")
    from toys_registry import TOYS

    with pytest.raises(KeyboardInterrupt):
        list(TOYS)
    car.write_text(text)
    with pytest.warns(UserWarning, match="no wheels"):
        assert list(TOYS) == ["ball", "car"]
