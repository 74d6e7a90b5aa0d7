"""Classifying as a job: images of single cells to their classes."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from neubauer.cells.write.harmless import harmless_table
from neubauer.errors import InputError
from neubauer.models.classifier.config import UNKNOWN
from neubauer.models.classifier.crops import read_crops, squares_for
from neubauer.models.classifier.network import BATCH
from neubauer.models.classifier.pictures import contact_sheet, saliency_picture
from neubauer.models.classifier.predict import TrainedClassifier
from neubauer.models.classifier.saliency import saliency
from neubauer.models.shared.bundled import resolve
from neubauer.runs.adaptation import Adaptation, load_adaptation
from neubauer.runs.digests import file_digest
from neubauer.runs.job import Item
from neubauer.runs.store import file_name

CLASSES = "classes.csv"
SHEET = 240
"""Images on a contact sheet; of a larger class every n-th is shown."""


@dataclass
class Classify:
    """Say what kind of cell each image shows.

    Attributes
    ----------
    model : a classifier file, or the name of a bundled one.
    diameter : typical cell diameter in pixels; None: images show as much as in training.
    threshold : probability below which a cell is unknown; None: the model's.
    adapt_from : a translator file; images are carried to the kind that the model knows first.
    sheets : draw a contact sheet of each class.
    saliency : draw for each image which parts its class rests on.

    Raises
    ------
    InputError : from `settings` or the first item: one of them cannot be used.
    """

    model: str | Path
    diameter: float | None = None
    threshold: float | None = None
    adapt_from: Path | None = None
    sheets: bool = True
    saliency: bool = False

    verb = "classify"
    batch = BATCH

    @cached_property
    def classifier(self) -> TrainedClassifier:
        """The classifier, loaded."""
        loaded = TrainedClassifier.load(self.model)
        if self.threshold is not None:
            loaded.config.threshold = self.threshold
        if self.diameter is not None and not self.diameter > 0:
            raise InputError("--diameter", f"{self.diameter:g}", "a positive number")
        return loaded

    @cached_property
    def adaptation(self) -> Adaptation | None:
        """What the images go through first."""
        return load_adaptation(self.adapt_from)

    def settings(self) -> dict[str, Any]:
        """See `Job.settings`."""
        file = resolve(self.model)
        found: dict[str, Any] = {"model": file.stem, "model_sha256": file_digest(file), "diameter": self.diameter}
        found |= {"threshold": self.classifier.config.threshold}
        return found if self.adaptation is None else found | self.adaptation.record

    def outputs(self, name: str) -> list[str]:
        """See `Job.outputs`."""
        return [f"saliency/{name}.png"] if self.saliency else []

    def do(self, items: Sequence[Item], folder: Path) -> dict[str, dict[str, Any] | Exception]:
        """See `Job.do`."""
        squares, kept, failed = self._squares([item.path for item in items])
        found: dict[str, dict[str, Any] | Exception] = {items[i].name: error for i, error in failed.items()}
        if kept:
            named = [items[i] for i in kept]
            table = self.classifier.table([item.name for item in named], self.classifier.probabilities(squares))
            for item, square, row in zip(named, squares, table.to_dict("records"), strict=True):
                plain = {str(k): v if isinstance(v, str) else float(v) for k, v in row.items()}
                found[item.name] = plain | {"file": str(item.path.resolve())}
                if self.saliency:
                    self._draw_saliency(square, plain, folder / "saliency" / f"{item.name}.png")
        return found

    def _squares(self, files: Sequence[Path]) -> tuple[np.ndarray, list[int], dict[int, InputError]]:
        """The images as the classifier sees them, the places of their files, and what is wrong with the others."""
        config = self.classifier.config
        adapt = None if self.adaptation is None else self.adaptation.apply
        crops = read_crops(files, (config.channels, config.dtype), adapt)
        squares = squares_for(config, crops, self.diameter) if crops.kept else np.zeros(0)
        return squares, crops.kept, crops.failed

    def _draw_saliency(self, square: np.ndarray, row: dict[str, Any], path: Path) -> None:
        classifier = self.classifier
        classes = classifier.config.classes
        best = max(classes, key=lambda name: row[name])
        title = f"{row['image']}: {best} {row[best]:.3f}" + (" (unknown)" if row["class"] != best else "")
        found = saliency(classifier, square, classes.index(best))
        saliency_picture(classifier.normalise(square[None])[0], found, title).save(path, format="PNG")

    def tables(self) -> list[str]:
        """See `Job.tables`."""
        return [CLASSES, *(_sheet(name) for name in (*self.classifier.config.classes, UNKNOWN))]

    def merge(self, out: Path, rows: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
        """See `Job.merge`."""
        if not rows:
            return
        table = pd.DataFrame(list(rows.values()))
        harmless_table(table.drop(columns="file")).to_csv(folder / CLASSES, index=False, float_format="%.6g")
        if self.sheets:
            (folder / "sheets").mkdir()
            for name, members in table.groupby("class"):
                self._draw_sheet(str(name), members, folder / _sheet(str(name)))

    def _draw_sheet(self, name: str, rows: pd.DataFrame, path: Path) -> None:
        """The surest first."""
        every = math.ceil(len(rows) / SHEET)
        shown = rows.sort_values("probability", ascending=False, kind="stable").iloc[::every]
        title = f"{name}: {len(rows)} images" + (f", one of {every} is shown" if every > 1 else "")
        with warnings.catch_warnings():  # what they warn of was said when they were classified
            warnings.simplefilter("ignore", UserWarning)
            squares, kept, _ = self._squares([Path(file) for file in shown["file"]])
        captions = [f"{p:.3f}" for p in shown["probability"].iloc[kept]]
        if kept:  # files may be gone by now
            contact_sheet(self.classifier.normalise(squares), captions, title).save(path, format="PNG")

    def __getstate__(self) -> dict[str, Any]:
        """Without what each process loads for itself."""
        return {k: v for k, v in self.__dict__.items() if k not in ("classifier", "adaptation")}


def _sheet(name: str) -> str:
    return f"sheets/{file_name(name)}.png"
