"""Wells of microplates by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from neubauer.errors import InputError

WELL, ROW, COLUMN = "well", "row", "column"
ROWS, COLUMNS = 32, 48
"""Of the largest plate, 1536 wells: rows A to Z and AA to AF, columns 1 to 48 (ANSI SLAS 4-2004)."""
_NAME = re.compile(r"([A-Z]{1,2})0*(\d+)")


def parse_well(name: str) -> tuple[str, int] | None:
    """Row (letters) and column (from 1) of a well of a 6- to 1536-well plate, `p024` as ("P", 24); None: it is none."""
    found = _NAME.fullmatch(name.strip().upper())
    if found is None:
        return None
    letters, column = found[1], int(found[2])
    row = 0
    for letter in letters:
        row = 26 * row + ord(letter) - ord("A") + 1
    return (letters, column) if row <= ROWS and 1 <= column <= COLUMNS else None


def with_well(columns: Mapping[str, str], where: str | Path) -> dict[str, str]:
    """The columns of an image with its `well` as A01, and what that gives: `row` and `column`.

    Raises
    ------
    InputError : its well is none, or it has another row or column already; `where` it was found is named.
    """
    result = dict(columns)
    if not result.get(WELL):
        return result
    parsed = parse_well(result[WELL])
    if parsed is None:
        raise InputError(where, f"the well {result[WELL]!r}", "A1 or A01 to AF48")
    row, column = parsed
    result[WELL] = f"{row}{column:02d}"
    for key, value in ((ROW, row), (COLUMN, str(column))):
        given = result.get(key, "")
        if given and given.lstrip("0").upper() != value:
            raise InputError(where, f"{key} {given!r} for the well {result[WELL]}", f"{value!r}, or no such column")
        result[key] = value
    return result
