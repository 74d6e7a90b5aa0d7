"""How tables name the file of an image, so that people find it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from neubauer.runs.job import Item

FILE, FOLDER = "file", "folder"


def file_row(item: Item) -> dict[str, str]:
    """What a row keeps of the file of its item: where it lies, and the input folder that it was found in."""
    return {FILE: os.path.abspath(item.path), FOLDER: os.path.abspath(item.folder or item.path.parent)}


def with_file_names(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows whose `file` is relative to the input folder; of several input folders, to the one that holds them all.

    Paths have `/` between their folders on every system. What lies elsewhere (on another drive) is named in full.
    """
    folders = sorted({row[FOLDER] for row in rows if FOLDER in row})
    try:
        root = os.path.commonpath(folders) if folders else ""
    except ValueError:  # drives of Windows
        root = ""
    return [_named(row, root) for row in rows]


def _named(row: Mapping[str, Any], root: str) -> dict[str, Any]:
    found = {key: value for key, value in row.items() if key != FOLDER}
    if FILE in row:
        path = PurePath(row[FILE])
        found[FILE] = (path.relative_to(root) if root and path.is_relative_to(root) else path).as_posix()
    return found


def input_folder(given: Path, file: Path) -> Path:
    """The folder that a person named a file by: a folder itself, else the one that the file lies in."""
    return given if given.is_dir() and file.is_relative_to(given) else file.parent
