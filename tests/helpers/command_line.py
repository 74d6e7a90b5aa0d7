"""What the tests of the command line share."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TRUE = {"a": 10, "b": 14, "empty": 0}
"""Cells of the images in the fixture `images`."""


@dataclass(frozen=True)
class Finished:
    """How a call ended, and what it printed."""

    exit_code: int
    stdout: str
    stderr: str


Run = Callable[..., Finished]


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a table."""
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def one_line(stderr: str, *parts: object) -> None:
    """Exactly one line holds all of the parts, and there is no traceback."""
    assert sum(all(str(part) in line for part in parts) for line in stderr.splitlines()) == 1, stderr
    assert "Traceback" not in stderr
