"""The tables of a run that may be stopped and go on: each image has its own small files, merged into the tables."""

from __future__ import annotations

import csv
import json
import re
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pandas as pd

from neubauer.cells.table import Cells
from neubauer.cells.write.tables import OBJECT_COLUMNS, counts_columns, counts_row, objects_table, save_objects
from neubauer.errors import InputError, OutputError
from neubauer.images.write import atomic_path, remove

ENDINGS = ("_counts.csv", "_objects.csv", "_image.json")
"""Of the files in `parts/`."""


class TableParts:
    """counts.csv, objects.csv and failed.csv of a folder of results, image by image.

    `add` stores one image in `parts/`, whole or not at all, `fail` why there is none; `merge` makes the tables of what
    is there. A run that was killed skips the images in `done`, and several processes may fill the same folder, each
    with its own images; after the last of them has merged the tables are complete. The time for both is proportional
    to the size of the results.

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
        """Names of the images that are stored, and stored whole."""
        return {name for name in self._names("_counts.csv") if self._whole(name)}

    def record(self, image: str) -> dict[str, Any]:
        """What `add` or `fail` was told about an image; nothing if it cannot be read."""
        try:
            found = json.loads(self._file(image, "_image.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def recorded(self) -> set[str]:
        """Names of the images that have a record."""
        return self._names("_image.json")

    def add(self, cells: Cells, record: Mapping[str, Any] | None = None) -> None:
        """Store the results of one image, in place of earlier ones.

        Parameters
        ----------
        cells : the results.
        record : what is to be known of the image when the run goes on, such as the state of its file (JSON values).

        Raises
        ------
        InputError : the classes are not those of the run.
        OutputError : the folder cannot be written to.
        """
        if counts_columns(cells.classes) != self.columns:
            raise InputError(cells.image, f"the classes {', '.join(cells.classes)}", f"the columns {self.columns}")
        counts = self._file(cells.image, "_counts.csv")
        counts.unlink(missing_ok=True)  # it says that the image is done, so it goes first and comes last
        with atomic_path(self._file(cells.image, "_objects.csv")) as temporary:
            save_objects(temporary, objects_table(cells))
        self._write_record(cells.image, record or {})
        with atomic_path(counts) as temporary:
            pd.DataFrame([counts_row(cells)], columns=self.columns).to_csv(temporary, index=False)

    def fail(self, image: str, reason: str, record: Mapping[str, Any] | None = None) -> None:
        """Note why an image could not be done, until `add` stores it or `drop` forgets it."""
        self._write_record(image, {**(record or {}), "failed": reason})

    def drop(self, image: str) -> None:
        """Forget an image."""
        for ending in ENDINGS:
            remove(self._file(image, ending))

    def merge(self, order: Sequence[str] | None = None, leave_out: Collection[str] = ()) -> list[str]:
        """Write counts.csv and objects.csv with all images that are stored, and failed.csv if there are failures.

        Parameters
        ----------
        order : image names; images that it does not name come last, in alphabetical order, as all do without it.
        leave_out : names of images that are stored but do not belong into the tables.

        Returns
        -------
        The names in the order of the tables.

        Raises
        ------
        InputError : the parts are from a run with other classes.
        OutputError : the tables cannot be written.
        """
        place = {name: i for i, name in enumerate(order or ())}

        def in_order(found: set[str]) -> list[str]:
            return sorted(found.difference(leave_out), key=lambda name: (place.get(name, len(place)), name))

        names = in_order(self.done())
        counts = [self._file(name, "_counts.csv") for name in names]
        for path in counts:
            if _header(path) != self.columns:
                raise InputError(path, f"the columns {_header(path)}", f"{self.columns}: one folder for one model")
        _join(self.out / "counts.csv", counts, self.columns)
        objects = [self._file(name, "_objects.csv") for name in names]
        columns = list(dict.fromkeys(column for path in objects for column in _header(path))) or OBJECT_COLUMNS
        _join(self.out / "objects.csv", objects, columns)
        reasons = {name: self.record(name).get("failed") for name in in_order(self.recorded())}
        _write_failed(self.out / "failed.csv", {name: str(why) for name, why in reasons.items() if why is not None})
        return names

    def _file(self, image: str, ending: str) -> Path:
        return self.folder / f"{_file_name(image)}{ending}"

    def _names(self, ending: str) -> set[str]:
        return {unquote(path.name.removesuffix(ending)) for path in self.folder.glob(f"*{ending}")}

    def _whole(self, image: str) -> bool:
        """Whether a part has what it must have: a power cut can leave an empty file under the right name."""
        try:
            with open(self._file(image, "_counts.csv"), encoding="utf-8", newline="") as file:
                header, row = csv.reader(file)
            return len(header) == len(row) and self._file(image, "_objects.csv").stat().st_size > 0
        except (OSError, ValueError, csv.Error):
            return False

    def _write_record(self, image: str, record: Mapping[str, Any]) -> None:
        with atomic_path(self._file(image, "_image.json")) as temporary:
            temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")


def _file_name(image: str) -> str:
    """The name without what no file name can hold; `unquote` restores it."""
    return re.sub(r'[%/\\:*?"<>|\x00-\x1f]', lambda match: f"%{ord(match[0]):02X}", image)


def _header(path: Path) -> list[str]:
    with open(path, encoding="utf-8", newline="") as file:
        return next(csv.reader(file))


def _write_failed(path: Path, reasons: Mapping[str, str]) -> None:
    """One row per image that failed; no file if there is none."""
    if reasons:
        with atomic_path(path) as temporary:
            pd.DataFrame(reasons.items(), columns=["image", "reason"]).to_csv(
                temporary,
                index=False,
                errors="replace",  # a name that is no text fails for just that
            )
    else:
        remove(path)


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
