"""What writes the cells of an image for people and for other programs: one file for each format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from neubauer.cells.table import Cells
from neubauer.images.source import ImageSource
from neubauer.plugins import Registry


@dataclass(frozen=True)
class OutputFormat:
    """Writes the cells of one image into a file; its name is also that of its folder in the results.

    Attributes
    ----------
    file : pattern of the path in that folder, with `{}` for the name of the image: `{}_rois.zip`, `labels/{}.txt`.
    write : path, cells, image and its file -> nothing; the same cells give the same bytes. Folders are there. Raises
        InputError where the cells cannot be written so (only centres are known, for example).
    common : files in the folder that all images share.
    merge : folder to write these in, the files of all images, and the classes -> nothing.
    """

    file: str
    write: Callable[[Path, Cells, ImageSource, Path], None]
    common: tuple[str, ...] = ()
    merge: Callable[[Path, Sequence[Path], Sequence[str]], None] | None = None


FORMATS: Registry[OutputFormat] = Registry("output format", "neubauer.cells.write", "neubauer.formats")
