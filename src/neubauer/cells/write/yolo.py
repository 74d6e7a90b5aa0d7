"""YOLO text out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neubauer.cells.table import Cells
from neubauer.cells.write.formats import FORMATS, OutputFormat
from neubauer.cells.write.outlines import outlines
from neubauer.errors import InputError
from neubauer.images.write import atomic_path


def write_yolo(path: str | Path, cells: Cells, classes: Sequence[str]) -> None:
    """Write the boxes of one image as lines `class cx cy width height`, fractions of the image; without cells, empty.

    Cells of which only the centre is known have no box and cannot be written. The names of the classes go to a file of
    their own (`write_class_list`).

    Raises
    ------
    InputError : a cell has no box, or a class that is not in `classes`.
    OutputError : the file cannot be written.
    """
    height, width = cells.shape
    lines = []
    for outline in outlines(cells):
        row = outline.row
        if outline.kind == "point":
            raise InputError(path, f"only the centre of cell {row['label']} of {cells.image}", "cells with boxes")
        if row["class"] not in classes:
            raise InputError(path, f"a cell of the class {row['class']!r}", f"one of {', '.join(classes)}")
        y0, x0, y1, x1 = (float(row[f"bbox-{i}"]) for i in range(4))
        values = ((x0 + x1) / 2 / width, (y0 + y1) / 2 / height, (x1 - x0) / width, (y1 - y0) / height)
        lines.append(f"{classes.index(row['class'])} " + " ".join(f"{v:.7g}" for v in values) + "\n")
    with atomic_path(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8")


def write_class_list(path: str | Path, classes: Sequence[str]) -> None:
    """Write `classes.txt`: one name per line, in the order of the numbers in YOLO files.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    with atomic_path(path) as temporary:
        temporary.write_text("".join(f"{name}\n" for name in classes), encoding="utf-8")


FORMATS.register("yolo")(
    OutputFormat(
        "labels/{}.txt",
        lambda path, cells, *_: write_yolo(path, cells, cells.classes),
        ("classes.txt",),
        lambda folder, _, classes: write_class_list(folder / "classes.txt", classes),
    )
)
