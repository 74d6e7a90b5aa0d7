"""What people name as inputs -> the items of a run."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from neubauer.cells.read.candidates import split_images_and_annotations
from neubauer.cells.read.text import read_rows
from neubauer.errors import InputError
from neubauer.images.find import find_images, is_image, natural_key, unique_stems
from neubauer.runs.events import Note, OnEvent, unheard
from neubauer.runs.file_names import input_folder
from neubauer.runs.job import Item

COLUMN = "image"
"""Of a table that lists images."""
SHOWN = 3


def find_items(
    inputs: Sequence[str | Path] | str | Path,
    *,
    recursive: bool = False,
    leave_annotations: bool = False,
    on_event: OnEvent = unheard,
) -> list[Item]:
    """The images that inputs name, each with a name for its results.

    Parameters
    ----------
    inputs : files, folders, globs, or CSV tables with a column `image` (files, relative to the folder of the table).
    recursive : take the images in the sub-folders of folders, too. Sub-folders with images that are left out are told.
    leave_annotations : leave out the annotations that lie among the images of a folder, and tell it.
    on_event : hears what is left out.

    Raises
    ------
    InputError : an input names no image.
    """
    left_out: dict[Path, Path] = {}

    def choose(files: list[Path]) -> list[Path]:
        images, annotations = split_images_and_annotations(files)
        left_out.update((file.resolve(), file) for file in annotations)
        return images

    given = [Path(i) for i in ([inputs] if isinstance(inputs, str | Path) else inputs)]
    files: dict[Path, Path] = {}
    folders: dict[Path, Path] = {}
    for item in given:
        if item.suffix.lower() == ".csv" and item.is_file():
            found = listed(item)
        else:
            found = find_images([item], recursive=recursive, choose=choose if leave_annotations else None)
            if not recursive:
                for folder in [item] if item.exists() else map(Path, sorted(glob.glob(str(item), recursive=True))):
                    _tell_folders(folder, on_event)
        for file in found:
            folders.setdefault(files.setdefault(file.resolve(), file), input_folder(item, file))
    left_out = {key: file for key, file in left_out.items() if key not in files}  # some may be named as well
    if left_out:
        what = f"left out as annotations of images beside them: {_some('file', [f.name for f in left_out.values()])}"
        on_event(Note(f"{what}; name a file to take it"))
    return [Item(name, path, folders[path]) for path, name in unique_stems(list(files.values())).items()]


def listed(table: Path) -> list[Path]:
    """The files that a CSV table lists in its column `image`.

    Raises
    ------
    InputError : it cannot be read, or has no such column, or no row.
    """
    expected = f"a CSV table with a column {COLUMN!r} that names files"
    columns, rows = read_rows(table, expected)
    if COLUMN not in columns:
        raise InputError(table, f"the columns {', '.join(columns) or '(none)'}", expected)
    names = [(row[COLUMN] or "").strip() for row in rows]
    if not any(names):
        raise InputError(table, "no image", expected)
    return [table.parent / name for name in names if name]


def _tell_folders(folder: Path, on_event: OnEvent) -> None:
    """Say which folders in a folder hold images that are not taken."""
    if not folder.is_dir():
        return
    inner = sorted((f for f in folder.iterdir() if f.is_dir() and not f.name.startswith(".")), key=natural_key)
    with_images = [f.name for f in inner if any(is_image(file, folder) for file in f.rglob("*"))]
    if with_images:
        number = _some("sub-folder", with_images)
        on_event(Note(f"left out: {number} of {folder} with images; --recursive takes them"))


def _some(what: str, names: Sequence[str]) -> str:
    shown = ", ".join(names[:SHOWN]) + (" ..." if len(names) > SHOWN else "")
    return f"{len(names)} {what}{'' if len(names) == 1 else 's'} ({shown})"
