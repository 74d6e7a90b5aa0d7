"""Label images out."""

from __future__ import annotations

from pathlib import Path

from neubauer.cells.table import Cells
from neubauer.cells.write.formats import FORMATS, OutputFormat
from neubauer.errors import InputError
from neubauer.images.write import write_labels


def write_masks(path: Path, cells: Cells) -> None:
    """Write the instance labels of one image as an int32 TIFF file.

    Raises
    ------
    InputError : only boxes or centres of the cells are known.
    OutputError : the file cannot be written.
    """
    if cells.labels is None:
        raise InputError(path, f"no outlines of the cells of {cells.image}", "cells with labels")
    write_labels(path, cells.labels, cells.pixel_size_um)


FORMATS.register("masks")(OutputFormat("{}_masks.tif", lambda path, cells, *_: write_masks(path, cells)))
