"""Counting as a job: an image to its cells, as tables, label images, pictures and files for other programs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from neubauer.cells.filters import ALL, Filters
from neubauer.cells.regions.table import regions_columns, regions_table, write_regions
from neubauer.cells.table import Cells
from neubauer.cells.write.formats import FORMATS
from neubauer.cells.write.harmless import harmless_table
from neubauer.cells.write.tables import counts_columns, counts_row, join_objects, objects_table, save_objects
from neubauer.errors import InputError
from neubauer.images.read import open_image
from neubauer.images.source import ImageSource
from neubauer.models.counter.choose import choose_counter
from neubauer.models.counter.parts import filter_cells
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.counter.repaired import holes_of, mark_repaired
from neubauer.models.shared.bundled import resolve
from neubauer.models.shared.inputs import WHOLE, Reading
from neubauer.runs.adaptation import Adaptation, load_adaptation
from neubauer.runs.digests import counter_digest, file_digest
from neubauer.runs.events import Note, OnEvent, unheard
from neubauer.runs.exports import ANNDATA, COUNTS, EXCEL, OBJECTS, PARQUET
from neubauer.runs.file_names import file_row, with_file_names
from neubauer.runs.glance import QUALITY, glance_files, write_glance, write_quality
from neubauer.runs.job import Item, OneByOne
from neubauer.runs.refinement import Refinement, load_refinement
from neubauer.runs.regions import RegionChoice
from neubauer.runs.store import PARTS, file_name

CHOSEN_BY = 3
"""Images that decide about the model."""
REGIONS = "regions.csv"
MADE_OF_THESE = (EXCEL, PARQUET, ANNDATA, "report.html", "report.pdf")
"""What is made of the tables after a run: removed with them, and when they change."""


@dataclass
class Count(OneByOne):
    """Count the cells of images.

    Attributes
    ----------
    model : a counter, its file, or the name of a bundled one.
    diameter : typical cell diameter in pixels; None: estimated for each image.
    reading : what to take of files that hold several planes, channels or stains.
    formats : outputs beside the tables, such as `masks` and `overlays` (`neubauer.cells.write.formats`).
    adapt_from : a translator file; images are carried to the kind that the model knows first.
    repaired : folder that `neubauer inpaint` wrote; cells that touch filled-in pixels are told.
    classifier, classify, classify_diameter : a classifier (file or bundled name) that tells the counted cells apart,
        classes of the counter that it is applied to, and the typical diameter of their cells in pixels.
    regions : where to count, see `neubauer.runs.regions.choose_regions`; everywhere without.
    filters : which of the cells count.
    report : keep what a report shows of each image (`neubauer.runs.glance`).

    Raises
    ------
    InputError : from `settings` or the first item: one of them cannot be used.
    """

    model: str | Path | TrainedCounter
    diameter: float | None = None
    reading: Reading = WHOLE
    formats: Sequence[str] = ("masks", "overlays")
    adapt_from: Path | None = None
    repaired: Path | None = None
    classifier: str | None = None
    classify: str | None = None
    classify_diameter: float | None = None
    regions: RegionChoice | None = None
    filters: Filters = ALL
    report: bool = True

    verb = "count"

    @cached_property
    def counter(self) -> TrainedCounter:
        """The counter, loaded."""
        loaded = self.model if isinstance(self.model, TrainedCounter) else TrainedCounter.load(self.model)
        if self.diameter is not None:
            loaded.check_diameter(self.diameter)
        return loaded

    @cached_property
    def adaptation(self) -> Adaptation | None:
        """What the images go through first."""
        return load_adaptation(self.adapt_from)

    @cached_property
    def refinement(self) -> Refinement | None:
        """What tells the counted cells apart."""
        return load_refinement(self.classifier, self.counter.config.classes, self.classify, self.classify_diameter)

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the results."""
        return self.counter.config.classes if self.refinement is None else self.refinement.classes

    def settings(self) -> dict[str, Any]:
        """See `Job.settings`."""
        if isinstance(self.model, TrainedCounter):
            name, sha256 = "a counter in memory", counter_digest(self.counter)
        else:
            file = resolve(self.model)
            name, sha256 = file.stem, file_digest(file)
        found: dict[str, Any] = {"model": name, "model_sha256": sha256, "diameter": self.diameter}
        if "licence" in self.counter.config.training:
            found["model_licence"] = self.counter.config.training["licence"]
        found |= asdict(self.reading)
        counts_columns(self.classes)  # classes that no table can hold are said before anything is done
        if self.adaptation is not None:
            found |= self.adaptation.record
        if self.repaired is not None:
            found |= {"repaired": str(self.repaired.resolve())}
        if self.refinement is not None:
            found |= self.refinement.record
        if self.regions is not None:
            regions_columns(self.classes)
            found |= self.regions.record
        return found | self.filters.record

    def outputs(self, name: str) -> list[str]:
        """See `Job.outputs`."""
        shown = [f"{kind}/{FORMATS[kind].file.format(name)}" for kind in self.formats]
        kept = [] if self.regions is None else [self._regions_part(name)]
        return [_part(name), *kept, *(glance_files(name) if self.report else []), *shown]

    def one(self, item: Item, folder: Path) -> dict[str, Any]:
        """See `Job.do`."""
        image, cells = self._cells(item)
        cells.image = item.name
        cells.table["image"] = item.name
        for kind in self.formats:
            written = FORMATS[kind]
            written.write(folder / kind / written.file.format(item.name), cells, image, item.path)
        save_objects(folder / _part(item.name), objects_table(cells))
        glance = write_glance(folder, item.name, image, cells) if self.report else {}
        row = {key: _plain(value) for key, value in (counts_row(cells) | file_row(item) | glance).items()}
        if self.regions is None:
            return row
        part = self._regions_part(item.name)
        regions_table(cells, image).to_csv(folder / part, index=False)
        return row | {REGIONS: part}

    def _regions_part(self, name: str) -> str:
        """Regions that have changed make another file, so that the image is done again."""
        assert self.regions is not None
        return f"{PARTS}/{file_name(name)}_regions_{self.regions.key(name)}.csv"

    def _cells(self, item: Item) -> tuple[ImageSource, Cells]:
        reading, path = self.reading, item.path
        image = open_image(path, project=reading.project, frame=reading.frame)
        seen = image if self.adaptation is None else self.adaptation.apply(image)
        self.filters.areas(image.pixel_size_um, path)  # what cannot be is said before the work
        regions = None if self.regions is None else self.regions.of(item.name, path, image)
        cells = self.counter.predict(
            seen, diameter=self.diameter, channel=reading.channel, stain=reading.stain, regions=regions
        )
        if self.repaired is not None:
            mark_repaired(cells, holes_of(self.repaired, path.stem, cells.shape))
        cells = cells if self.refinement is None else self.refinement.apply(cells, seen)
        return image, filter_cells(cells, self.filters)

    def tables(self) -> list[str]:
        """See `Job.tables`."""
        shared = [f"{kind}/{file}" for kind, written in FORMATS.items() for file in written.common]
        return [COUNTS, OBJECTS, QUALITY, REGIONS, *MADE_OF_THESE, *shared]

    def merge(self, out: Path, rows: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
        """See `Job.merge`."""
        columns = counts_columns(self.classes, bool(self.filters.record))
        table = pd.DataFrame(with_file_names(list(rows.values())), columns=columns, dtype=object)
        harmless_table(table).to_csv(folder / COUNTS, index=False)
        write_quality(folder / QUALITY, rows)
        join_objects(folder / OBJECTS, [out / _part(name) for name in rows])
        if self.regions is not None:
            parts = [out / row[REGIONS] for row in rows.values()]
            write_regions(folder / REGIONS, parts, self.classes)
        for kind, written in FORMATS.items():
            files = [out / kind / written.file.format(name) for name in rows]
            there = [file for file in files if file.exists()]
            if there and written.merge is not None:
                (folder / kind).mkdir()
                written.merge(folder / kind, there, self.classes)

    def __getstate__(self) -> dict[str, Any]:
        """Without what each process loads for itself."""
        return {k: v for k, v in self.__dict__.items() if k not in ("counter", "adaptation", "refinement")}


def choose_model(items: Sequence[Item], reading: Reading, on_event: OnEvent = unheard) -> str:
    """Name of the bundled counter that fits the images best, by a few of them; says which and why, or that none does.

    Raises
    ------
    InputError : none of the images can be read, or no bundled counter takes images of so many channels.
    """
    images: list[ImageSource] = []
    last: InputError | None = None
    for item in items:
        try:
            images.append(open_image(item.path, project=reading.project, frame=reading.frame))
        except InputError as error:
            last = error
        if len(images) == CHOSEN_BY:
            break
    if not images:
        raise last or InputError("images", "none", "at least one image")
    choice = choose_counter(images, reading)
    on_event(Note(f"model {choice.name}: {choice.reason}"))
    return choice.name


def _part(name: str) -> str:
    return f"{PARTS}/{file_name(name)}_objects.csv"


def _plain(value: Any) -> Any:
    """As JSON has it."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value


def wanted_formats(text: str, masks: bool = True, overlays: bool = True) -> list[str]:
    """Formats from a comma-separated list, after those that are switched on.

    Raises
    ------
    InputError : one is not known.
    """
    named = dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip())
    for name in named:
        if name not in FORMATS:
            raise InputError("--format", repr(name), "one of " + ", ".join(FORMATS))
    return list(dict.fromkeys([*(["masks"] if masks else []), *(["overlays"] if overlays else []), *named]))
