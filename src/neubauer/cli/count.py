"""`neubauer count`: images in; tables, masks and overlays out."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neubauer.cli.common import SOME_FAILED, errors_to_exit, run_folder, say
from neubauer.errors import InputError, OutputError

if TYPE_CHECKING:
    from neubauer.cells.table import Cells
    from neubauer.models.counter import CellCounter

FORMATS = ("geojson", "coco", "roi", "yolo")
BIG = 25_000_000
"""Pixels from which on the overlay is drawn from a reduced image."""


def count(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Image files, folders or globs.")],
    model: Annotated[str, typer.Option(help="Name of a bundled model, or a file. `neubauer models` lists them.")],
    out: Annotated[Path, typer.Option(help="Folder for the results. A stopped run goes on where it was.")],
    diameter: Annotated[
        float | None, typer.Option(help="Typical cell diameter in pixels. Default: estimated for each image.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="What to make of a stack: max, mean, sum or min.")] = None,
    frame: Annotated[int | None, typer.Option(help="Which image of a stack to take, from 0.")] = None,
    formats: Annotated[
        str, typer.Option("--format", help="Further outputs, comma-separated: geojson, coco, roi, yolo.")
    ] = "",
    shard: Annotated[
        str | None, typer.Option(help="i/n: take every n-th image, from the i-th (1 to n); for several machines.")
    ] = None,
    overlays: Annotated[bool, typer.Option(help="Write overlay pictures.")] = True,
    masks: Annotated[bool, typer.Option(help="Write label images.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON instead of a table.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace results of an earlier run.")] = False,
) -> None:
    """Count, outline and classify the cells of images.

    Writes counts.csv (a row per image), objects.csv (a row per cell), masks/ and overlays/. Exit code 0: all done; 1:
    some images failed, each is named; 2: nothing could be done.
    """
    with errors_to_exit():
        wanted = _formats(formats)
        from neubauer.images.find import find_images, unique_stems

        every = find_images(inputs)
        names = unique_stems(every)
        paths = _shard(every, shard)
        from neubauer.models.counter import CellCounter
        from neubauer.models.registry import resolve

        file = resolve(model)
        counter = CellCounter.load(file)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        run = {"verb": "count", "model": file.stem, "model_sha256": digest, "diameter": diameter}
        run |= {"project": project, "frame": frame}
        run_folder(out, run, overwrite)
        failed = _run(counter, paths, names, out, wanted, masks, overlays, diameter, project, frame)
        _report(out, counter, failed, as_json, names)
    if failed:
        raise typer.Exit(SOME_FAILED)


def _run(
    counter: CellCounter,
    paths: list[Path],
    names: dict[Path, str],
    out: Path,
    formats: tuple[str, ...],
    masks: bool,
    overlays: bool,
    diameter: float | None,
    project: Any,
    frame: int | None,
) -> dict[Path, str]:
    """Count image by image; returns what failed and why. An image is done when its part of the tables is written."""
    from rich.console import Console
    from rich.progress import track

    from neubauer.cells.parts import TableParts

    parts = TableParts(out, counter.config.classes)
    done = parts.done()
    todo = [p for p in paths if names[p] not in done]
    if len(todo) < len(paths):
        say(f"{len(paths) - len(todo)} of {len(paths)} images are done already and are skipped")
    failed: dict[Path, str] = {}
    console = Console(stderr=True)
    try:
        for path in track(todo, "counting", console=console, disable=not console.is_terminal):
            try:
                cells = counter.predict(path, diameter=diameter, project=project, frame=frame)
                cells.image = names[path]
                cells.table["image"] = names[path]
                _write(path, cells, out, formats, masks, overlays, project, frame)
                parts.add(cells)
            except (InputError, MemoryError) as error:
                failed[path] = str(error) or "not enough memory"
                say(f"failed: {failed[path]}")
    finally:
        parts.merge([names[p] for p in names])
    return failed


def _write(
    path: Path,
    cells: Cells,
    out: Path,
    formats: tuple[str, ...],
    masks: bool,
    overlays: bool,
    project: Any,
    frame: int | None,
) -> None:
    from neubauer.images.read import open_image
    from neubauer.images.write import write_labels

    assert cells.labels is not None
    try:
        for name, on in (("masks", masks), ("overlays", overlays), *((f, True) for f in formats)):
            if on:
                (out / name).mkdir(exist_ok=True)
        if masks:
            write_labels(out / "masks" / f"{cells.image}_masks.tif", cells.labels, cells.pixel_size_um)
        if overlays:
            from neubauer.cells.overlay import draw_overlay

            draw_overlay(
                open_image(path, project=project, frame=frame), cells, out / "overlays" / f"{cells.image}_overlay.png"
            )
        for name in formats:
            from neubauer.cells.export import export

            export(name, out / name, cells, path)
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{out}: cannot be written to ({error.strerror or error})") from error


def _report(out: Path, counter: CellCounter, failed: dict[Path, str], as_json: bool, names: dict[Path, str]) -> None:
    import pandas as pd

    table = pd.read_csv(out / "counts.csv", dtype={"image": str, "flag": str}, keep_default_na=False)
    if as_json:
        rows = json.loads(table.to_json(orient="records"))
        print(json.dumps({"out": str(out), "images": rows, "failed": {str(p): why for p, why in failed.items()}}))
        return
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=f"cells per image [90 % interval], {counter.config.training.get('name', '')}".rstrip(", "))
    shown.add_column("image")
    for name in (*counter.config.classes, "total"):
        shown.add_column(name, justify="right")
    shown.add_column("flag")
    for row in table.head(40).to_dict("records"):
        cells = [f"{row[n]} [{row[n + '_low']}–{row[n + '_high']}]" for n in (*counter.config.classes, "total")]
        shown.add_row(str(row["image"]), *cells, row["flag"])
    console = Console()
    console.print(shown)
    if len(table) > 40:
        console.print(f"... and {len(table) - 40} more images")
    console.print(f"tables: {out / 'counts.csv'}, {out / 'objects.csv'}", soft_wrap=True)
    for folder in ("masks", "overlays", *FORMATS):
        if (out / folder).is_dir():
            console.print(f"{folder}: {out / folder}", soft_wrap=True)
    if failed:
        console.print(f"failed: {len(failed)} of {len(names)} images")


def _formats(text: str) -> tuple[str, ...]:
    wanted = tuple(part.strip().lower() for part in text.split(",") if part.strip())
    for name in wanted:
        if name not in FORMATS:
            raise InputError("--format", repr(name), "one of " + ", ".join(FORMATS))
    return wanted


def _shard(paths: list[Path], shard: str | None) -> list[Path]:
    if shard is None:
        return paths
    try:
        i, n = (int(part) for part in shard.split("/"))
    except ValueError:
        i, n = 0, 0
    if not 1 <= i <= n:
        raise InputError("--shard", repr(shard), "i/n with 1 <= i <= n, e.g. 2/8")
    return paths[i - 1 :: n]
