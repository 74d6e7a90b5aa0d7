"""Counting chambers as a job: a photograph to the cells in its complete squares; samples to cells in a millilitre."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from neubauer.cells.write.harmless import harmless_table
from neubauer.cells.write.tables import join_objects, save_objects
from neubauer.chamber.count import MODEL, Counted, count_chamber
from neubauer.chamber.draw import draw_chamber
from neubauer.chamber.rulings import DEFAULT, Ruling, ruling_of
from neubauer.chamber.samples import ALL, Sample, pool
from neubauer.errors import InputError
from neubauer.images.read import open_image
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.shared.bundled import resolve
from neubauer.runs.digests import file_digest
from neubauer.runs.job import Item, OneByOne
from neubauer.runs.store import PARTS, file_name

SAMPLES, PHOTOGRAPHS, SQUARES, CELLS = "samples.csv", "photographs.csv", "squares.csv", "cells.csv"


@dataclass
class Chamber(OneByOne):
    """Count the cells in photographs of counting chambers.

    Attributes
    ----------
    chamber : name of the ruling.
    dilution : of the samples, where `samples` does not say.
    depth_um : of the chamber; None: the usual one.
    trypan_blue : tell dead from live cells.
    samples : by the name of a photograph's file; those that it does not have, or all, are of one sample.
    model : the counter.
    overlays : draw pictures.

    Raises
    ------
    InputError : from `settings`: one of them cannot be used.
    """

    chamber: str = DEFAULT
    dilution: float = 1.0
    depth_um: float | None = None
    trypan_blue: bool = False
    samples: Mapping[str, Sample] = field(default_factory=dict)
    model: str | Path = MODEL
    overlays: bool = True

    verb = "chamber"

    @cached_property
    def counter(self) -> TrainedCounter:
        """The counter, loaded."""
        return TrainedCounter.load(self.model)

    @property
    def ruling(self) -> Ruling:
        """Of the chamber."""
        return ruling_of(self.chamber)

    @property
    def classes(self) -> tuple[str, ...]:
        """Of the results."""
        return ("live", "dead") if self.trypan_blue else ("cell",)

    def settings(self) -> dict[str, Any]:
        """See `Job.settings`."""
        if not self.dilution >= 1:
            raise InputError("--dilution", f"{self.dilution:g}", "at least 1, such as 2 for equal parts")
        if self.depth_um is not None and not self.depth_um > 0:
            raise InputError("--depth", f"{self.depth_um:g}", "micrometres, such as 100")
        file = resolve(self.model)
        return {
            "chamber": self.ruling.name,
            "depth_um": self.depth_um or self.ruling.depth_um,
            "dilution": self.dilution,
            "trypan_blue": self.trypan_blue,
            "samples": {name: asdict(sample) for name, sample in self.samples.items()},
            "model": file.stem,
            "model_sha256": file_digest(file),
        }

    def outputs(self, name: str) -> list[str]:
        """See `Job.outputs`."""
        return [_part(name), *([f"overlays/{name}.png"] if self.overlays else [])]

    def one(self, item: Item, folder: Path) -> dict[str, Any]:
        """See `Job.do`."""
        image = open_image(item.path)
        counted = count_chamber(image, self.ruling, self.counter, self.trypan_blue)
        cells = counted.cells
        cells.insert(0, "image", item.name)
        save_objects(folder / _part(item.name), cells)
        row = _row(item, counted)
        if self.overlays:
            found = pool([row], self.ruling, self._sample(item.path.name).dilution, self.depth_um, self.classes)
            draw_chamber(image, counted, folder / "overlays" / f"{item.name}.png", _said(item.name, found))
        return row

    def tables(self) -> list[str]:
        """See `Job.tables`."""
        return [SAMPLES, PHOTOGRAPHS, SQUARES, CELLS]

    def merge(self, out: Path, rows: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
        """See `Job.merge`."""
        if not rows:
            return
        pools: dict[str, list[Mapping[str, Any]]] = {}
        photographs, squares = [], []
        for name, row in rows.items():
            sample = self._sample(row["file"])
            pools.setdefault(sample.name, []).append(row)
            one = pool([row], self.ruling, sample.dilution, self.depth_um, self.classes)
            del one["photographs"]
            said = {"support": row["support"], "px_per_mm": row["px_per_mm"], "flag": row["flag"]}
            photographs.append({"image": name, "sample": sample.name} | one | said)
            squares += [{"image": name, "sample": sample.name} | square for square in row["by_square"]]
        dilutions = {self._sample(row["file"]).name: self._sample(row["file"]).dilution for row in rows.values()}
        samples = [
            {"sample": name} | pool(those, self.ruling, dilutions[name], self.depth_um, self.classes)
            for name, those in pools.items()
        ]
        for file, table in ((SAMPLES, samples), (PHOTOGRAPHS, photographs), (SQUARES, squares)):
            harmless_table(pd.DataFrame(table, dtype=object)).to_csv(folder / file, index=False)
        join_objects(folder / CELLS, [out / _part(name) for name in rows])

    def _sample(self, file: str) -> Sample:
        return self.samples.get(file, Sample(ALL, self.dilution))

    def __getstate__(self) -> dict[str, Any]:
        """Without what each process loads for itself."""
        return {k: v for k, v in self.__dict__.items() if k != "counter"}


def _row(item: Item, counted: Counted) -> dict[str, Any]:
    """What is known of a photograph."""
    found, cells = counted.found, counted.counted
    by_square = []
    for square in found.squares:
        name = f"{square.row + 1}-{square.column + 1}"
        own = cells[cells["square"] == name]
        classes = {c: int((own["class"] == c).sum()) for c in counted.classes if c != "cell"}
        by_square.append({"square": name, "cells": len(own)} | classes)
    middle = sum(x for s in found.squares for x in s.box[::2]), sum(y for s in found.squares for y in s.box[1::2])
    at = [m / (2 * len(found.squares)) for m in middle]
    return {
        "file": item.path.name,
        "squares": len(found.squares),
        "cells": len(cells),
        **{c: int((cells["class"] == c).sum()) for c in counted.classes if c != "cell"},
        "error": counted.error,
        "together": cells["together"].tolist(),
        "by_square": by_square,
        "support": round(found.support, 3),
        "px_per_mm": round(found.projection.px_per_mm(pd.Series(at).to_numpy()), 1),
        "flag": "; ".join(counted.flags),
    }


def _said(name: str, found: Mapping[str, Any]) -> list[str]:
    value, low, high = (float(f"{found[f'cells_per_ml{end}']:.3g}") for end in ("", "_low", "_high"))
    lines = [f"{name}: {value:,.0f} cells/mL [{low:,.0f}–{high:,.0f}], {found['per_square']:.1f} in a square"]
    if found.get("viability") is not None:
        lines.append(f"viability {found['viability']:.1%} [{found['viability_low']:.1%}–{found['viability_high']:.1%}]")
    return lines + ([found["advice"]] if found["advice"] else [])


def _part(name: str) -> str:
    return f"{PARTS}/{file_name(name)}_cells.csv"
