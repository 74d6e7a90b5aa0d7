"""Translating as a job: an image to one of another stain or microscope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from neubauer.cells.write.harmless import harmless_table
from neubauer.errors import InputError
from neubauer.images.read import open_image
from neubauer.images.write import write_image
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.shared.bundled import resolve
from neubauer.models.translator.gate import Gate
from neubauer.models.translator.predict import TrainedTranslator
from neubauer.runs.digests import file_digest
from neubauer.runs.job import Item, OneByOne

CELLS = "cells.csv"


@dataclass
class Translate(OneByOne):
    """Translate images, and see what that does to the cells.

    Attributes
    ----------
    model : a translator file.
    way : `a2b` or `b2a`.
    gate, gate_after : counters (files or names) of the images before, and after where these need another.

    Raises
    ------
    InputError : from `settings` or the first item: one of them cannot be used.
    """

    model: Path
    way: str = "a2b"
    gate: str | None = None
    gate_after: str | None = None

    verb = "translate"

    @cached_property
    def translator(self) -> TrainedTranslator:
        """The translator, loaded."""
        return TrainedTranslator.load(self.model)

    @cached_property
    def checks(self) -> Gate | None:
        """What counts cells before and after."""
        return load_gate(self.gate, self.gate_after)

    def settings(self) -> dict[str, Any]:
        """See `Job.settings`."""
        found: dict[str, Any] = {"model": self.model.stem, "way": self.way}
        _, checks = self.translator, self.checks  # what is wrong with them is said before anything is done
        found["model_sha256"] = file_digest(self.model)
        if checks is not None:
            for name in ("gate", "gate_after"):
                counter = getattr(self, name)
                if counter is not None:
                    found |= {name: resolve(counter).stem, f"{name}_sha256": file_digest(resolve(counter))}
        return found

    def outputs(self, name: str) -> list[str]:
        """See `Job.outputs`."""
        return [f"{name}.tif"]

    def one(self, item: Item, folder: Path) -> dict[str, Any]:
        """See `Job.do`."""
        source = open_image(item.path)
        made = self.translator.predict(source, self.way)
        write_image(folder / f"{item.name}.tif", made, pixel_size_um=source.pixel_size_um)
        return ({} if self.checks is None else self.checks.check(source, made).row()) | {"image": item.name}

    def tables(self) -> list[str]:
        """See `Job.tables`."""
        return [CELLS]

    def merge(self, out: Path, rows: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
        """See `Job.merge`."""
        if self.checks is not None and rows:
            harmless_table(pd.DataFrame(list(rows.values()))).to_csv(folder / CELLS, index=False)

    def __getstate__(self) -> dict[str, Any]:
        """Without what each process loads for itself."""
        return {k: v for k, v in self.__dict__.items() if k not in ("translator", "checks")}


def load_gate(counter: str | None, after: str | None) -> Gate | None:
    """What checks translations.

    Raises
    ------
    InputError : the second without the first, or one is no counter.
    """
    if counter is None:
        if after is not None:
            raise InputError("--gate-after", "it without --gate", "both")
        return None
    return Gate(TrainedCounter.load(counter), None if after is None else TrainedCounter.load(after))
