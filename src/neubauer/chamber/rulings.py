"""The rulings of counting chambers, from `rulings.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.errors import InputError

FILE = Path(__file__).with_name("rulings.toml")
DEFAULT = "neubauer-improved"
LINES = {"single": (0,), "double": (-0.5, 0.5), "triple": (-1, 0, 1)}
"""Where the lines of a multiple line lie, in units of their spacing."""


@dataclass(frozen=True)
class Square:
    """A large square (of Malassez chambers: a rectangle).

    Attributes
    ----------
    row, column : from 0, in the coordinates of the ruling.
    box : (x0, y0, x1, y1), mm.
    """

    row: int
    column: int
    box: tuple[float, float, float, float]


@dataclass(frozen=True)
class Ruling:
    """The lines of a counting chamber; lengths in mm where a name does not say otherwise.

    Attributes
    ----------
    name, title : for options and for people.
    depth_um : between the ruling and the cover slip.
    borders : of the large squares, along x and along y.
    lines : of all that run from end to end, along x and along y: (N, 2) position of the line, and of the multiple line
        that it belongs to.
    fine : (M, 4) x0, y0, x1, y1 of further, short lines.
    overhang : how far lines run beyond the outermost borders.
    square : a large square in words.
    usual : so many cells in a large square are usually aimed at.
    source : where all this is from.
    """

    name: str
    title: str
    depth_um: float
    borders: tuple[np.ndarray, np.ndarray]
    lines: tuple[np.ndarray, np.ndarray]
    fine: np.ndarray
    overhang: float
    square: str
    usual: tuple[int, int]
    source: str

    @property
    def size(self) -> tuple[float, float]:
        """(x, y) from the first to the last border."""
        return float(self.borders[0][-1]), float(self.borders[1][-1])

    @property
    def cell(self) -> tuple[float, float]:
        """(x, y) sides of a large square."""
        return float(np.diff(self.borders[0])[0]), float(np.diff(self.borders[1])[0])

    def squares(self) -> list[Square]:
        """All large squares, row by row."""
        x, y = (b.tolist() for b in self.borders)
        return [Square(i, j, (x[j], y[i], x[j + 1], y[i + 1])) for i in range(len(y) - 1) for j in range(len(x) - 1)]

    def variants(self) -> list[Ruling]:
        """The ruling, mirrored and turned by quarters, without repetitions; photographs show it any way round."""
        found: list[Ruling] = []
        for swap in (False, True):
            turned = self._swapped() if swap else self
            for flips in ((False, False), (True, False), (False, True), (True, True)):
                one = turned._flipped(flips)
                if not any(one.like(known) for known in found):
                    found.append(one)
        return found

    def like(self, other: Ruling) -> bool:
        """Whether all long lines lie at the same places."""
        return all(a.shape == b.shape and np.allclose(a, b) for a, b in zip(self.lines, other.lines, strict=True))

    def _swapped(self) -> Ruling:
        return replace(self, borders=self.borders[::-1], lines=self.lines[::-1], fine=self.fine[:, [1, 0, 3, 2]])

    def _flipped(self, flips: tuple[bool, bool]) -> Ruling:
        lines = [np.sort(s - a, 0) if f else a for s, a, f in zip(self.size, self.lines, flips, strict=True)]
        fine = self.fine.copy()
        for k in (0, 1):
            if flips[k] and len(fine):
                fine[:, [k, k + 2]] = self.size[k] - fine[:, [k + 2, k]]
        return replace(self, lines=(lines[0], lines[1]), fine=fine)

    def volume_ul(self, depth_um: float | None = None) -> float:
        """Of the liquid over one large square, microlitres (1 mm3 is 1 uL)."""
        return self.cell[0] * self.cell[1] * (depth_um or self.depth_um) / 1000


@cache
def rulings() -> dict[str, Ruling]:
    """All rulings by name."""
    return {name: _ruling(name, entry) for name, entry in tomllib.loads(FILE.read_text(encoding="utf-8")).items()}


def ruling_of(name: str) -> Ruling:
    """The ruling of that name.

    Raises
    ------
    InputError : there is none.
    """
    if name not in rulings():
        raise InputError("--chamber", repr(name), "one of " + ", ".join(rulings()))
    return rulings()[name]


def _ruling(name: str, entry: dict[str, Any]) -> Ruling:
    spacing = entry["spacing_um"] / 1000
    axes = []
    for axis in ("x", "y"):
        found = [(at + k * spacing, at) for kind, places in entry[axis].items() for at in places for k in LINES[kind]]
        axes.append(np.array(sorted(found)))
    return Ruling(
        name,
        entry["title"],
        float(entry["depth_um"]),
        (np.array(entry["borders"]["x"], float), np.array(entry["borders"]["y"], float)),
        (axes[0], axes[1]),
        _fine(entry.get("fine")),
        float(entry["overhang"]),
        entry["square"],
        tuple(entry["usual"]),
        entry["source"],
    )


def _fine(entry: dict[str, Any] | None) -> np.ndarray:
    if entry is None:
        return np.zeros((0, 4))
    pitch, found = entry["pitch"], []
    for x0, x1 in entry["x"]:
        for y0, y1 in entry["y"]:
            found += [(x, y0, x, y1) for x in np.arange(x0 + pitch, x1 - pitch / 2, pitch)]
            found += [(x0, y, x1, y) for y in np.arange(y0 + pitch, y1 - pitch / 2, pitch)]
    return np.array(found)
