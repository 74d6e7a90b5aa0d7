"""A folder of results, read for a report."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from neubauer.cells.draw.thumbnail import thumbnail
from neubauer.cells.write.formats import FORMATS
from neubauer.cells.write.harmless import as_it_was
from neubauer.cells.write.tables import counted_classes, read_counts
from neubauer.errors import InputError
from neubauer.images.quality import MEASURES
from neubauer.runs.exports import COUNTS, FAILED, OBJECTS
from neubauer.runs.glance import QUALITY, glance_files
from neubauer.runs.record import FILE, Record, read_record

EXPECTED = "a folder that `neubauer count` wrote"
NEEDED = ("image", "total", "flag", "diameter")
"""Columns of counts.csv that every report takes."""
SIZES = ("equivalent_diameter_um", "equivalent_diameter_area")
"""Columns that say how large a cell is, the best first: micrometres, where all images have them, or pixels."""


@dataclass(frozen=True)
class Results:
    """What a run of `neubauer count` left.

    Attributes
    ----------
    folder : where.
    record : what made it.
    counts : one row per image, as in counts.csv.
    classes : the classes that were counted, in the order of the table.
    quality : one row per image, in the order of `counts`; NaN where an image was not looked at.
    failed : image, reason.
    cells : class, probability and size (diameter of a disc of the same area) of each cell; NaN where unknown.
    unit : of the sizes, `µm` or `px`; None where there is none.
    """

    folder: Path
    record: Record
    counts: pd.DataFrame
    classes: tuple[str, ...]
    quality: pd.DataFrame
    failed: pd.DataFrame
    cells: pd.DataFrame = field(repr=False)
    unit: str | None

    def pictures(self, name: str) -> tuple[bytes | None, bytes | None]:
        """WebP of an image without and with its cells; where none were kept, the overlay made small."""
        plain, outlined = (self.folder / file for file in glance_files(name))
        if plain.exists() and outlined.exists():
            return plain.read_bytes(), outlined.read_bytes()
        overlay = self.overlay(name)
        if overlay is None:
            return None, None
        with Image.open(io.BytesIO((self.folder / overlay).read_bytes())) as picture:
            return None, thumbnail(picture)

    def overlay(self, name: str) -> str | None:
        """The large picture with the cells of an image, relative to the folder."""
        file = f"overlays/{FORMATS['overlays'].file.format(name)}"
        return file if (self.folder / file).exists() else None


def read_results(folder: Path) -> Results:
    """Read what a run left in a folder.

    Raises
    ------
    InputError : there is none, it is of another verb, or a table is damaged.
    """
    record_file = folder / FILE
    if not record_file.is_file():
        raise InputError(folder, "no run.json" if folder.is_dir() else "no such folder", EXPECTED)
    record = read_record(record_file)
    verb = record.settings.get("verb")
    if verb != "count":
        raise InputError(folder, f"results of `neubauer {verb}`", EXPECTED)
    try:
        counts = read_counts(folder / COUNTS)
        counts[list(NEEDED)]  # KeyError: not there
        cells, unit = _cells(folder / OBJECTS)
        return Results(
            folder,
            record,
            counts,
            tuple(counted_classes(counts)),
            _quality(folder, counts),
            _failed(folder),
            cells,
            unit,
        )
    except (OSError, ValueError, KeyError) as error:
        raise InputError(folder, f"tables that cannot be read ({error})", EXPECTED) from error


def _quality(folder: Path, counts: pd.DataFrame) -> pd.DataFrame:
    if (folder / QUALITY).exists():
        empty = {key: [""] for key in MEASURES}
        found = pd.read_csv(folder / QUALITY, dtype={"image": str}, keep_default_na=False, na_values=empty)
    else:
        found = pd.DataFrame(columns=["image", *MEASURES])
    found["image"] = found["image"].map(as_it_was)
    return found.set_index("image").reindex(counts["image"]).astype(float)


def _failed(folder: Path) -> pd.DataFrame:
    if not (folder / FAILED).exists():
        return pd.DataFrame(columns=["image", "reason"])
    return pd.read_csv(folder / FAILED, dtype=str, keep_default_na=False).map(as_it_was)


def _cells(path: Path) -> tuple[pd.DataFrame, str | None]:
    header = list(pd.read_csv(path, nrows=0).columns)
    wanted = [name for name in ("class", "probability", *SIZES) if name in header]
    nothing = {name: [""] for name in wanted if name != "class"}
    table = pd.read_csv(path, usecols=wanted, dtype={"class": str}, keep_default_na=False, na_values=nothing)
    sizes = [name for name in SIZES if name in table and len(table) and table[name].notna().all()]
    found = pd.DataFrame({"class": table["class"].astype("category").cat.rename_categories(as_it_was)})
    for name, column in (("probability", "probability"), ("size", sizes[0] if sizes else None)):
        found[name] = table[column].astype(np.float32) if column in table else np.float32(np.nan)
    return found, None if not sizes else "µm" if sizes[0].endswith("_um") else "px"
