"""Folders and arrays in two stains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from translator_scenes import scene

from neubauer.images.write import write_image


@pytest.fixture
def stains() -> Callable[[int, int], tuple[list[np.ndarray], list[np.ndarray]]]:
    """`n` scenes in one stain, and scenes in the other from `first` on (0: the same cells)."""

    def make(n: int, first: int = 1000) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return [scene(i, False) for i in range(n)], [scene(first + i, True) for i in range(n)]

    return make


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The same cells in two folders, as PNG files of the same names."""
    for name, other in (("a", False), ("b", True)):
        (tmp_path / name).mkdir()
        for i in range(6):
            write_image(tmp_path / name / f"{i}.png", scene(i, other))
    return tmp_path / "a", tmp_path / "b"
