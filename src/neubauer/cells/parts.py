"""The tables of a run that may be stopped and go on: each image has its own small files, merged into the tables."""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

import pandas as pd

from neubauer.cells.table import Cells
from neubauer.cells.tables import OBJECT_COLUMNS, counts_columns, counts_row, objects_table, save_objects
from neubauer.errors import InputError, OutputError
from neubauer.images.write import atomic_path


class TableParts:
    """counts.csv and objects.csv of a folder of results, image by image.

    `add` stores one image in `parts/`, whole or not at all; `merge` makes the tables of what is there. A run that was
    killed skips the images in `done`, and several processes may fill the same folder, each with its own images; after
    the last of them has merged the tables are complete. The time for both is proportional to the size of the results.

    Parameters
    ----------
    out : folder of results.
    classes : class names, in the order of the columns.

    Raises
    ------
    OutputError : the folder cannot be made.
    InputError : a class has the name of a column.
    """

    def __init__(self, out: str | Path, classes: Sequence[str]) -> None:
        self.out, self.columns = Path(out), counts_columns(classes)
        self.folder = self.out / "parts"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{self.folder}: cannot be made ({error.strerror or error})") from error

    def done(self) -> set[str]:
        """Names of the images that are stored."""
        return {unquote(path.name.removesuffix("_counts.csv")) for path in self.folder.glob("*_counts.csv")}

    def add(self, cells: Cells) -> None:
        """Store the results of one image, in place of earlier ones.

        Raises
        ------
        InputError : the classes are not those of the run.
        OutputError : the folder cannot be written to.
        """
        if counts_columns(cells.classes) != self.columns:
            raise InputError(cells.image, f"the classes {', '.join(cells.classes)}", f"the columns {self.columns}")
        name = _file_name(cells.image)
        counts = self.folder / f"{name}_counts.csv"
        counts.unlink(missing_ok=True)  # it says that the image is done, so it goes first and comes last
        with atomic_path(self.folder / f"{name}_objects.csv") as temporary:
            save_objects(temporary, objects_table(cells))
        with atomic_path(counts) as temporary:
            pd.DataFrame([counts_row(cells)], columns=self.columns).to_csv(temporary, index=False)

    def merge(self, order: Sequence[str] | None = None) -> None:
        """Write counts.csv and objects.csv with all images that are stored.

        Parameters
        ----------
        order : image names; images that it does not name come last, in alphabetical order, as all do without it.

        Raises
        ------
        InputError : the parts are from a run with other classes.
        OutputError : the tables cannot be written.
        """
        place = {name: i for i, name in enumerate(order or ())}
        names = sorted(self.done(), key=lambda name: (place.get(name, len(place)), name))
        stems = [self.folder / _file_name(name) for name in names]
        counts = [Path(f"{stem}_counts.csv") for stem in stems]
        for path in counts:
            if _header(path) != self.columns:
                raise InputError(path, f"the columns {_header(path)}", f"{self.columns}: one folder for one model")
        _join(self.out / "counts.csv", counts, self.columns)
        objects = [Path(f"{stem}_objects.csv") for stem in stems]
        columns = list(dict.fromkeys(column for path in objects for column in _header(path))) or OBJECT_COLUMNS
        _join(self.out / "objects.csv", objects, columns)


def _file_name(image: str) -> str:
    """The name without what no file name can hold; `unquote` restores it."""
    return re.sub(r'[%/\\:*?"<>|\x00-\x1f]', lambda match: f"%{ord(match[0]):02X}", image)


def _header(path: Path) -> list[str]:
    with open(path, encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def _join(path: Path, parts: Sequence[Path], columns: list[str]) -> None:
    """Write all rows of the parts, with these columns, to one file."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as out:
        pd.DataFrame(columns=columns).to_csv(out, index=False)
        for part in parts:
            if _header(part) == columns:
                with open(part, encoding="utf-8", newline="") as rows:
                    rows.readline()
                    shutil.copyfileobj(rows, out)
            else:
                table = pd.read_csv(part, dtype=str, keep_default_na=False)
                table.reindex(columns=columns, fill_value="").to_csv(out, index=False, header=False)
