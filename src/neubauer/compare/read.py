"""Folders that `neubauer count` wrote, as one table of images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from neubauer.cells.write.harmless import as_it_was
from neubauer.cells.write.tables import counted_classes, read_counts
from neubauer.compare.samples import SHOWN, samples_of, some
from neubauer.errors import InputError
from neubauer.runs.job import Item
from neubauer.runs.jobs.count import COUNTS, OBJECTS
from neubauer.runs.record import FILE, read_record
from neubauer.runs.samples import SAMPLES

EXPECTED = "a folder that `neubauer count` wrote"


@dataclass(frozen=True)
class Counted:
    """What was counted.

    Attributes
    ----------
    table : counts.csv of all folders, one row per image.
    items : the images, in the order of the table.
    folders : of each image, where its results are.
    samples : what is known of each image beside its pixels; only of those that were counted.
    made_by : version and model that counted, of each run that differs.
    notes : what a person should know of the results.
    """

    table: pd.DataFrame
    items: list[Item]
    folders: list[Path]
    samples: pd.DataFrame
    made_by: list[str]
    notes: list[str]

    @property
    def classes(self) -> list[str]:
        """What was counted, without `total`."""
        return counted_classes(self.table)

    def objects(self, columns: Sequence[str]) -> pd.DataFrame:
        """Columns of objects.csv of all folders, with `row`: which image of `table` a cell is of.

        Raises
        ------
        InputError : a file is missing or lacks a column.
        """
        tables = []
        for folder in dict.fromkeys(self.folders):
            file = folder / OBJECTS
            try:
                header = list(pd.read_csv(file, nrows=0))
                lacking = [c for c in columns if c not in header]
                if lacking:
                    raise InputError(file, f"no column {', '.join(lacking)}", f"one of {', '.join(header)}")
                part = pd.read_csv(file, usecols=["image", *columns], dtype={"image": str, "class": str})
            except OSError as error:
                raise InputError(file, "no such file", EXPECTED) from error
            place = {item.name: i for i, item in enumerate(self.items) if self.folders[i] == folder}
            tables.append(part.assign(row=part["image"].astype(str).map(as_it_was).map(place)))
        return pd.concat(tables, ignore_index=True).dropna(subset="row").astype({"row": int})


def read_counted(folders: Sequence[Path], sources: Sequence[str] = ()) -> Counted:
    """Read folders of results, and what sample their images are of.

    Parameters
    ----------
    folders : that `neubauer count` wrote.
    sources : see `samples_of`; by default the `samples.csv` that a run with `--samples` has left in its folder.

    Raises
    ------
    InputError : a folder holds no results, the folders share an image, or nothing is known of samples.
    """
    tables, items, places, failed, models = [], [], [], [], set()
    known: list[dict[str, str]] = []
    made_by: list[str] = []
    said: list[str] = []
    runs: dict[Path, list[Item]] = {}
    for folder in dict.fromkeys(Path(f) for f in folders):
        if not (folder / COUNTS).is_file() or not (folder / FILE).is_file():
            raise InputError(folder, f"no {COUNTS} and {FILE}", EXPECTED)
        record = read_record(folder / FILE)
        made_by.append(f"neubauer {record.settings.get('neubauer')}, model {record.settings.get('model')}")
        models.add(str(record.settings.get("model_sha256")))
        runs[folder] = [Item(name, Path(file)) for name, file in record.files().items()]
    _refuse_twice(runs)
    # the images that failed are there, too: a table of samples may well name them
    shared = samples_of([item for own in runs.values() for item in own], sources) if sources else None
    said += shared.notes if shared else []
    rows = iter(shared.columns if shared else ())
    for folder, own in runs.items():
        if shared is None:
            samples = samples_of(own, [_kept(folder)])
            said += samples.notes
            rows = iter(samples.columns)
        of = {item.name: next(rows) for item in own}
        counts = read_counts(folder / COUNTS)
        counts = counts[counts["image"].isin(of)]
        if counts.empty:
            raise InputError(folder / COUNTS, "no image", "images that were counted")
        done = {item.name: item for item in own}
        tables.append(counts)
        items += [done[name] for name in counts["image"]]
        known += [of[name] for name in counts["image"]]
        places += [folder] * len(counts)
        failed += sorted(done.keys() - set(counts["image"]))
    return Counted(
        pd.concat(tables, ignore_index=True),
        items,
        places,
        pd.DataFrame(known, index=range(len(items)), dtype=object).fillna(""),
        list(dict.fromkeys(made_by)),
        said + _notes(tables, failed, models),
    )


def _kept(folder: Path) -> str:
    if not (folder / SAMPLES).is_file():
        raise InputError(folder, f"no {SAMPLES}", "--samples, which says of which sample each image is")
    return str(folder / SAMPLES)


def _refuse_twice(runs: dict[Path, list[Item]]) -> None:
    first: dict[Path, Path] = {}
    for folder, items in runs.items():
        for item in items:
            if first.setdefault(item.path, folder) != folder:
                raise InputError(folder, f"the image {item.path}, which {first[item.path]} has too", "each image once")


def _notes(tables: list[pd.DataFrame], failed: list[str], models: set[str]) -> list[str]:
    notes = []
    if failed:
        notes.append(f"{some('image', failed)} not counted; see failed.csv")
    if len(models) > 1:
        notes.append(f"the counts are by {len(models)} different models: conditions may differ for that reason alone")
    flagged = [
        str(i) for t in tables for i, flag in zip(t["image"], t["flag"], strict=True) if isinstance(flag, str) and flag
    ]
    if flagged:
        notes.append(f"{some('image', flagged, SHOWN)} flagged in {COUNTS}: look at them before you trust their counts")
    return notes
