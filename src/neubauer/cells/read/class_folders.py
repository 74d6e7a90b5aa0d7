"""Classes of whole images: one folder per class, or a folder of images with a table of labels."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from neubauer.errors import InputError
from neubauer.images.find import find_images

FEWEST = 2
"""Images that a class needs: one to train on, one to check with."""


@dataclass(frozen=True)
class LabelledFiles:
    """Images and the class of each.

    Attributes
    ----------
    files : N image files.
    names : class of each.
    groups : of each, what it was cut from (slide, patient, field); images of one group stay together when they are
        split. None where that is not known.
    """

    files: tuple[Path, ...]
    names: tuple[str, ...]
    groups: tuple[str, ...] | None = None


def from_class_folders(folder: str | Path) -> LabelledFiles:
    """Images in one sub-folder per class.

    Raises
    ------
    InputError : no such folder, no sub-folders, or one without images.
    """
    folder = Path(folder)
    expected = "a folder with one sub-folder of images per class"
    if not folder.is_dir():
        raise InputError(folder, "no such folder", expected)
    groups = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if not groups:
        raise InputError(folder, "no sub-folders", expected + ", or a table of labels")
    files: list[Path] = []
    names: list[str] = []
    for group in groups:
        found = find_images([group])  # an empty class is an error that names its folder
        files += found
        names += [group.name] * len(found)
    return LabelledFiles(tuple(files), tuple(names))


def from_labels_csv(folder: str | Path, table: str | Path) -> LabelledFiles:
    """Images with a CSV table: columns `image` (a file, relative to the folder), `class` and, optionally, `group`.

    Images without a label are left out, with a warning.

    Raises
    ------
    InputError : a column or a file is missing, a row has no class, or two rows are about one image.
    """
    folder, table = Path(folder), Path(table)
    try:
        rows = pd.read_csv(table, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise InputError(table, str(error), "a CSV table with the columns image and class") from error
    missing = {"image", "class"} - set(rows)
    if missing:
        columns = ", ".join(map(str, rows))
        raise InputError(table, f"the columns {columns}", "the columns image and class (and optionally group)")
    for i, row in enumerate(rows.to_dict("records"), 2):
        if not row["image"] or not row["class"]:
            raise InputError(table, f"line {i} without image or class", "both in every line")
        if not (folder / row["image"]).is_file():
            raise InputError(table, f"line {i}: {row['image']}", f"a file in {folder}")
    twice = rows["image"][rows["image"].duplicated()]
    if len(twice):
        raise InputError(table, f"several lines about {twice.iloc[0]}", "one line for each image")
    files = tuple(folder / name for name in rows["image"])
    others = set(find_images([folder], recursive=True)) - set(files)
    if others:
        warnings.warn(f"{table}: {len(others)} images in {folder} have no label and are not used", stacklevel=2)
    groups = tuple(rows["group"]) if "group" in rows else None
    return LabelledFiles(files, tuple(rows["class"]), groups)


def check_classes(where: str | Path, names: Sequence[str]) -> tuple[str, ...]:
    """Class names in alphabetical order.

    Raises
    ------
    InputError : fewer than two classes, or fewer than two images in one.
    """
    n = Counter(names)
    if len(n) < 2:
        raise InputError(where, f"one class ({next(iter(n), 'none')})", "at least two classes")
    for name in sorted(n):
        if n[name] < FEWEST:
            raise InputError(where, f"{n[name]} image of the class {name}", f"at least {FEWEST} of every class")
    return tuple(sorted(n))
