"""Tables out: counts.csv with a row per image, objects.csv with a row per cell."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from neubauer.cells.table import Cells
from neubauer.cells.write.harmless import as_it_was, harmless_table
from neubauer.errors import InputError
from neubauer.images.write import atomic_path

OBJECT_COLUMNS = [
    *("image", "label", "class", "probability", "centroid-0", "centroid-1", "bbox-0", "bbox-1", "bbox-2", "bbox-3"),
    *("area", "eccentricity", "solidity", "perimeter", "equivalent_diameter_area"),
]
_DIGITS = 8  # significant ones: more than any measure of a cell has, and half the size of the file


def counts_columns(classes: Sequence[str], filtered: bool = False) -> list[str]:
    """Columns of counts.csv: `image`, `file`; per class and `total` the count, `_low`, `_high`; `flag`; `diameter`;
    with filters `left_out`, the number of objects that they did not keep.

    Raises
    ------
    InputError : a class has the name of another column.
    """
    counted = [f"{name}{end}" for name in (*classes, "total") for end in ("", "_low", "_high")]
    columns = ["image", "file", *counted, "flag", "diameter", *(["left_out"] if filtered else [])]
    if len(set(columns)) < len(columns):
        raise InputError(
            "classes", ", ".join(classes), "names that differ from each other and the columns of counts.csv"
        )
    return columns


def counted_classes(table: pd.DataFrame) -> list[str]:
    """The classes of a table as counts.csv: each has a column with both ends of its interval; without `total`."""
    columns = set(table)
    return [name for name in table if {f"{name}_low", f"{name}_high"} <= columns and name != "total"]


def counts_row(cells: Cells) -> dict[str, object]:
    """The row of one image in counts.csv.

    Counts are whole; the ends of an interval are rounded outwards, so that it covers as often as promised, and are
    None where no interval was estimated. Several flags are separated by "; ". `diameter` is the typical one that the
    image was scaled by, in pixels: estimated, unless it was given or is that of all training images.
    """
    row: dict[str, object] = {"image": cells.image}
    counts = cells.counts()
    counts["total"] = sum(counts.values())
    for name in (*cells.classes, "total"):
        estimate = cells.estimates.get(name)
        values = (counts[name], None, None) if estimate is None else estimate.rounded()
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
    row["flag"] = "; ".join(cells.flags)
    row["diameter"] = cells.info.get("diameter")
    return row | ({"left_out": cells.info["left_out"]} if "left_out" in cells.info else {})


def write_counts(path: str | Path, cells_list: Iterable[Cells], classes: Sequence[str]) -> None:
    """Write counts.csv: one row per image, those without cells too; the header alone if there is no image.

    Cells do not know their file, and so the column `file` is left out.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    rows = [counts_row(cells) for cells in cells_list]
    columns = [name for name in counts_columns(classes) if name != "file"]
    table = pd.DataFrame(rows, columns=columns, dtype=object)  # else blanks make floats of counts
    with atomic_path(path) as temporary:
        harmless_table(table).to_csv(temporary, index=False)


def read_counts(path: str | Path) -> pd.DataFrame:
    """Read counts.csv: one row per image, names as they are."""
    table = pd.read_csv(path, dtype={"image": str, "file": str, "flag": str}, keep_default_na=False)
    table = table.set_axis([as_it_was(name) for name in table.columns], axis=1)
    return table.assign(**{name: table[name].map(as_it_was) for name in ("image", "file") if name in table})


def write_objects(path: str | Path, cells_list: Iterable[Cells]) -> None:
    """Write objects.csv: one row per cell of all images, with the columns of the tables (eight significant digits).

    A column that only some images have is empty in the others. Without any cell only the header is written.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    tables = [objects_table(cells) for cells in cells_list]
    filled = [table for table in tables if len(table)]
    table = pd.concat(filled) if filled else next(iter(tables), pd.DataFrame(columns=OBJECT_COLUMNS))
    with atomic_path(path) as temporary:
        save_objects(temporary, table)


def objects_table(cells: Cells) -> pd.DataFrame:
    """The rows of one image in objects.csv: the standard columns that there are first, then all others."""
    table = cells.table
    if "image" not in table:
        table = table.assign(image=cells.image)
    first = [c for c in OBJECT_COLUMNS if c in table or not len(table)]
    return table.reindex(columns=[*first, *(c for c in table if c not in first)])


def save_objects(path: Path, table: pd.DataFrame) -> None:
    """Write rows of objects.csv as they are, but for text that a spreadsheet would run (`harmless`)."""
    harmless_table(table).to_csv(path, index=False, float_format=f"%.{_DIGITS}g")


def join_objects(path: Path, parts: Sequence[Path]) -> None:
    """Make objects.csv of the files of single images (`save_objects`); a column that only some have is empty in others.

    Raises
    ------
    OutputError : it cannot be written.
    """
    columns = list(dict.fromkeys(column for part in parts for column in _header(part))) or OBJECT_COLUMNS
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


def _header(path: Path) -> list[str]:
    with open(path, encoding="utf-8", newline="") as file:
        return next(csv.reader(file))
