"""`neubauer classify`: images of single cells in; a table and contact sheets out."""

from __future__ import annotations

import hashlib
import json
import math
import re
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neubauer.cli.adaptation import load_adaptation
from neubauer.cli.common import SOME_FAILED, errors_to_exit, run_folder, say
from neubauer.cli.options import Threads
from neubauer.errors import InputError, OutputError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from PIL.Image import Image

    from neubauer.cli.adaptation import Adaptation
    from neubauer.models.estimators.cell_classifier import CellClassifier

CHUNK = 512
SHEET = 240
"""Images on a contact sheet; of a larger class every n-th is shown."""


def classify(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Images of single cells: files, folders (with theirs), globs."),
    ],
    model: Annotated[str, typer.Option(help="Name of a bundled classifier, or a file.")],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    diameter: Annotated[
        float | None, typer.Option(help="Typical cell diameter in pixels. Default: images show as much as in training.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Probability below which a cell is unknown. Default: the model's."),
    ] = None,
    adapt_from: Annotated[
        Path | None,
        typer.Option(help="A translator file: carry the images to the kind that the model knows first."),
    ] = None,
    sheets: Annotated[bool, typer.Option(help="Write a contact sheet per class, surest first.")] = True,
    saliency: Annotated[
        bool, typer.Option("--saliency", help="Also show for each image which parts its class rests on.")
    ] = False,
    threads: Threads = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the classes as JSON instead of a table.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace results of an earlier run.")] = False,
) -> None:
    """Say what kind of cell each image shows.

    Writes classes.csv (a row per image: class, probability, and the probability of every class) and sheets/. Exit code
    0: all done; 1: some images could not be used, each is named, the others are done; 2: nothing was done.
    """
    with errors_to_exit():
        import torch

        from neubauer.images.find import find_images, unique_stems
        from neubauer.images.write import atomic_path
        from neubauer.models.estimators.cell_classifier import CellClassifier
        from neubauer.models.shared.bundled import resolve

        if threads:
            torch.set_num_threads(threads)
        names = unique_stems(find_images(inputs, recursive=True))
        file = resolve(model)
        classifier = CellClassifier.load(file)
        if threshold is not None:
            classifier.config.threshold = threshold
        if diameter is not None and not diameter > 0:
            raise InputError("--diameter", f"{diameter:g}", "a positive number")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        run: dict[str, object] = {"verb": "classify", "model": file.stem, "model_sha256": digest, "diameter": diameter}
        run |= {"threshold": classifier.config.threshold}
        adaptation = load_adaptation(adapt_from)
        if adaptation is not None:
            run |= adaptation.record
        read = _Reader(classifier, diameter, adaptation)
        if (out / "classes.csv").exists() and not (out / "run.json").exists() and not overwrite:
            raise InputError(out, "a table without the record of its run", "a new folder, or --overwrite")
        run_folder(out, run, {name: str(path.resolve()) for path, name in names.items()}, overwrite)
        table, failed = _classify(read, names)
        with atomic_path(out / "classes.csv") as temporary:
            table.drop(columns="file").to_csv(temporary, index=False, float_format="%.6g")
        if sheets:
            _sheets(read, table, out / "sheets")
        if saliency:
            _saliency(read, table, out / "saliency")
        _print(table, classifier.config.classes, out, failed, as_json)
    if failed:
        raise typer.Exit(SOME_FAILED)


@dataclass(frozen=True)
class _Reader:
    """Files as the classifier sees them."""

    classifier: CellClassifier
    diameter: float | None
    adaptation: Adaptation | None

    def squares(self, files: Sequence[Path]) -> tuple[np.ndarray, list[int], dict[int, InputError]]:
        """The images, the places of their files, and what is wrong with the others."""
        import numpy as np

        from neubauer.models.classifier.crops import read_crops, squares_for

        config = self.classifier.config
        adapt = None if self.adaptation is None else self.adaptation.apply
        crops = read_crops(files, (config.channels, config.dtype), adapt)
        squares = squares_for(config, crops, self.diameter) if crops.kept else np.zeros(0)
        return squares, crops.kept, crops.failed

    def again(self, files: Sequence[Path]) -> np.ndarray:
        """The images once more, for a picture; what they warn of was said when the files were classified."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            return self.squares(files)[0]


def _classify(read: _Reader, names: dict[Path, str]) -> tuple[pd.DataFrame, dict[Path, str]]:
    """The table, with the `file` of each row, and why files failed."""
    import pandas as pd

    files = list(names)
    parts: list[pd.DataFrame] = []
    failed: dict[Path, str] = {}
    for start in _track(range(0, len(files), CHUNK), "classifying"):
        chunk = files[start : start + CHUNK]
        squares, kept, errors = read.squares(chunk)
        for i, error in errors.items():
            failed[chunk[i]] = str(error)
            say(f"failed: {error}")
        if kept:
            probabilities = read.classifier.probabilities(squares)
            rows = read.classifier.table([names[chunk[i]] for i in kept], probabilities)
            parts.append(rows.assign(file=[chunk[i] for i in kept]))
    if not parts:
        raise InputError(files[0].parent, f"{len(files)} images of which none can be used", "images of single cells")
    return pd.concat(parts, ignore_index=True), failed


def _sheets(read: _Reader, table: pd.DataFrame, folder: Path) -> None:
    """One picture per class, `unknown` too, the surest first."""
    from neubauer.models.classifier.pictures import contact_sheet

    _fresh(folder)
    for name, rows in table.groupby("class"):
        every = math.ceil(len(rows) / SHEET)
        shown = rows.sort_values("probability", ascending=False, kind="stable").iloc[::every]
        title = f"{name}: {len(rows)} images" + (f", one of {every} is shown" if every > 1 else "")
        squares = read.classifier.normalise(read.again(list(shown["file"])))
        captions = [f"{p:.3f}" for p in shown["probability"]]
        _save(contact_sheet(squares, captions, title), folder / f"{_file_name(str(name))}.png")


def _saliency(read: _Reader, table: pd.DataFrame, folder: Path) -> None:
    """One picture per image."""
    from neubauer.models.classifier.pictures import saliency_picture
    from neubauer.models.classifier.saliency import saliency

    _fresh(folder)
    classifier = read.classifier
    for row in _track(table.to_dict("records"), "looking"):
        squares = read.again([row["file"]])
        best = max(classifier.config.classes, key=lambda name: row[name])
        title = f"{row['image']}: {best} {row[best]:.3f}" + (" (unknown)" if row["class"] != best else "")
        found = saliency(classifier, squares[0], classifier.config.classes.index(best))
        _save(saliency_picture(classifier.normalise(squares)[0], found, title), folder / f"{row['image']}.png")


def _fresh(folder: Path) -> None:
    """An existing folder without the pictures of an earlier run, which may have had other classes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file in folder.glob("*.png"):
            file.unlink()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written to ({error.strerror or error})") from error


def _save(picture: Image, path: Path) -> None:
    from neubauer.images.write import atomic_path

    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG")


def _file_name(name: str) -> str:
    """The name without what no file name can hold."""
    return re.sub(r'[%/\\:*?"<>|\x00-\x1f]', lambda match: f"%{ord(match[0]):02X}", name)


def _track(items: Sequence[Any], what: str) -> Iterable[Any]:
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return track(items, what, console=console, disable=not console.is_terminal)


def _print(table: pd.DataFrame, classes: Sequence[str], out: Path, failed: dict[Path, str], as_json: bool) -> None:
    counts = table["class"].value_counts()
    if as_json:
        rows = json.loads(table.drop(columns="file").to_json(orient="records"))
        print(json.dumps({"out": str(out), "images": rows, "failed": {str(p): why for p, why in failed.items()}}))
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table("class", "images", "mean probability", title=f"{len(table)} images")
    for name in (*classes, "unknown"):
        mean = table["probability"][table["class"] == name].mean()
        shown.add_row(name, str(counts.get(name, 0)), f"{mean:.3f}" if name in counts else "")
    console = Console()
    console.print(shown)
    console.print(f"table: {out / 'classes.csv'}", soft_wrap=True)
    for folder in ("sheets", "saliency"):
        if (out / folder).is_dir():
            console.print(f"{folder}: {out / folder}", soft_wrap=True)
    if failed:
        console.print(f"failed: {len(failed)} of {len(table) + len(failed)} images")
