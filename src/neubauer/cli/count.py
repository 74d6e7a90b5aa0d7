"""`neubauer count`: images in; tables, masks and overlays out."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neubauer.cli.adaptation import load_adaptation
from neubauer.cli.common import SOME_FAILED, errors_to_exit, run_folder, say
from neubauer.cli.earlier_results import (
    COMMON_FILES,
    FILES,
    file_state,
    files_of,
    forget_changed,
    outdated_of,
    outputs_of,
    remove_results,
)
from neubauer.cli.options import Channel, Frame, ProjectName, StainName, reading_of
from neubauer.cli.refinement import load_refinement
from neubauer.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neubauer.cells.table import Cells
    from neubauer.cells.write.export import Format
    from neubauer.cli.refinement import Refinement
    from neubauer.models.estimators.cell_counter import CellCounter

FORMATS: tuple[Format, ...] = ("geojson", "coco", "roi", "yolo")


def count(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Image files, folders or globs.")],
    model: Annotated[str, typer.Option(help="Name of a bundled model, or a file. `neubauer models` lists them.")],
    out: Annotated[Path, typer.Option(help="Folder for the results. A stopped run goes on where it was.")],
    diameter: Annotated[
        float | None, typer.Option(help="Typical cell diameter in pixels. Default: estimated for each image.")
    ] = None,
    project: ProjectName = None,
    frame: Frame = None,
    channel: Channel = None,
    stain: StainName = None,
    adapt_from: Annotated[
        Path | None,
        typer.Option(help="A translator file: carry the images to the kind that the model knows first."),
    ] = None,
    repaired: Annotated[
        Path | None,
        typer.Option(help="Folder that `neubauer inpaint` wrote: say which cells touch pixels that were filled in."),
    ] = None,
    classifier: Annotated[
        str | None, typer.Option(help="Also tell the counted cells apart by this classifier (file or bundled model).")
    ] = None,
    classify: Annotated[
        str | None,
        typer.Option(help="Classes of the counter to tell apart, comma-separated. Default: those it was made for."),
    ] = None,
    classify_diameter: Annotated[
        float | None, typer.Option(help="Typical diameter of those cells in pixels. Default: measured in each image.")
    ] = None,
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

    Writes counts.csv (a row per image), objects.csv (a row per cell), masks/ and overlays/, and failed.csv (image,
    reason) if some failed. In a folder, annotations beside their images (a_masks.tif beside a.tif) are left out.

    Exit code 0: all images are counted; 1: some of them, or all, failed, each is named, the others are counted; 2:
    nothing was done (bad options or inputs), or the results cannot be written; 130: stopped by Ctrl-C, the same command
    goes on.
    """
    with errors_to_exit("interrupted: what was written is complete; the same command goes on from here"):
        kinds = [kind for kind, on in (("masks", masks), ("overlays", overlays)) if on] + _formats(formats)
        reading = reading_of(project, frame, channel, stain)
        if shard is not None and overwrite:
            raise InputError("--overwrite", "it beside --shard", "a new folder: each shard would delete the others")
        from neubauer.images.find import unique_stems

        every = _find(inputs)
        names = unique_stems(every)
        paths = _shard(every, shard)
        from neubauer.models.estimators.cell_counter import CellCounter
        from neubauer.models.shared.bundled import resolve

        file = resolve(model)
        counter = CellCounter.load(file)
        if diameter is not None:
            counter.check_diameter(diameter)
        run: dict[str, Any] = {"verb": "count", "model": file.stem, "model_sha256": _digest(file), "diameter": diameter}
        run |= asdict(reading)
        options: dict[str, Any] = {"diameter": diameter, "reading": reading}
        adaptation = load_adaptation(adapt_from)
        if adaptation is not None:
            options["adaptation"] = adaptation
            run |= adaptation.record
        if repaired is not None:
            options["repaired"] = repaired
            run |= {"repaired": str(repaired.resolve())}
        refinement = load_refinement(classifier, counter.config.classes, classify, classify_diameter)
        if refinement is not None:
            run |= refinement.record
        from neubauer.cells.write.parts import TableParts

        if overwrite:
            remove_results(out, TableParts(out, _classes(counter, refinement)))
        known = run_folder(out, run, {name: str(path.resolve()) for path, name in names.items()}, overwrite)
        others = {name: Path(file) for name, file in known.items() if name not in names.values()}
        failed = _run(counter, refinement, paths, names, others, out, kinds, options)
        if as_json:
            _print_json(out, failed)
        else:
            _print_table(out, counter, refinement, failed, len(paths))
    if failed:
        raise typer.Exit(SOME_FAILED)


def _classes(counter: CellCounter, refinement: Refinement | None) -> tuple[str, ...]:
    return counter.config.classes if refinement is None else refinement.classes


def _run(
    counter: CellCounter,
    refinement: Refinement | None,
    paths: Sequence[Path],
    names: dict[Path, str],
    others: dict[str, Path],
    out: Path,
    kinds: Sequence[str],
    options: dict[str, Any],
) -> dict[Path, str]:
    """Count image by image; returns what failed and why.

    An image is done when its part of the tables is written, its file has not changed since, and the outputs that are
    wanted now are there. `others` are the images of earlier calls that are not among the inputs now.
    """
    from rich.console import Console
    from rich.progress import track

    from neubauer.cells.write.parts import TableParts

    classes = _classes(counter, refinement)
    parts = TableParts(out, classes)
    stored = parts.done()
    dropped = forget_changed(out, parts, {names[path]: path for path in paths if names[path] in stored})
    outdated = outdated_of(parts, others, stored)

    def is_done(name: str) -> bool:
        whole = name in stored and name not in dropped and "failed" not in parts.record(name)
        return whole and all(file.exists() for file in files_of(out, name, kinds))

    todo = [path for path in paths if not is_done(names[path])]
    if len(todo) < len(paths):
        say(f"{len(paths) - len(todo)} of {len(paths)} images are done already and are skipped")
    failed: dict[Path, str] = {}
    console = Console(stderr=True)
    try:
        for path in track(todo, "counting", console=console, disable=not console.is_terminal):
            name = names[path]
            outputs = outputs_of(parts.record(name))
            state = file_state(path)  # before it is read: what changes meanwhile has changed since
            try:
                cells = _count(counter, refinement, path, options)
                cells.image = name
                cells.table["image"] = name
                _write(path, cells, out, kinds, options)
                parts.add(cells, state | {"outputs": sorted({*outputs, *kinds})})
            except OutputError:
                raise
            except Exception as error:  # whatever is wrong with one image, the others are counted
                failed[path] = _reason(path, error)
                say(f"failed: {failed[path]}")
                parts.fail(name, failed[path], state | {"outputs": outputs})
    finally:
        merged = parts.merge(list(names.values()), outdated)
        if "coco" in {*kinds, *(kind for lost in dropped.values() for kind in lost)}:
            _merge_coco(out, merged, classes)
    return failed


def _find(inputs: Sequence[str]) -> list[Path]:
    """The images that the inputs name; annotations that lie among those of a folder are left out, and that is said."""
    from neubauer.cells.read.match import split_images_and_annotations
    from neubauer.images.find import find_images

    left_out: dict[Path, Path] = {}

    def choose(files: list[Path]) -> list[Path]:
        images, annotations = split_images_and_annotations(files)
        left_out.update((file.resolve(), file) for file in annotations)
        return images

    found = find_images(inputs, choose=choose)
    for file in found:  # named as well
        left_out.pop(file.resolve(), None)
    if left_out:
        shown = ", ".join(file.name for file in list(left_out.values())[:3]) + (" ..." if len(left_out) > 3 else "")
        number = f"{len(left_out)} file{'' if len(left_out) == 1 else 's'}"
        say(f"left out as annotations of images beside them: {number} ({shown}); name a file to count it")
    return found


def _count(counter: CellCounter, refinement: Refinement | None, path: Path, options: dict[str, Any]) -> Cells:
    reading = options["reading"]
    if options.keys().isdisjoint({"adaptation", "repaired"}) and refinement is None:
        return counter.predict(path, diameter=options["diameter"], **asdict(reading))
    from neubauer.images.read import open_image

    image = open_image(path, project=reading.project, frame=reading.frame)
    if "adaptation" in options:
        image = options["adaptation"].apply(image)
    cells = counter.predict(image, diameter=options["diameter"], channel=reading.channel, stain=reading.stain)
    if "repaired" in options:
        from neubauer.models.counter.repaired import holes_of, mark_repaired

        mark_repaired(cells, holes_of(options["repaired"], path.stem, cells.shape))
    return cells if refinement is None else refinement.apply(cells, image)


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


def _reason(path: Path, error: Exception) -> str:
    """One line that names the file."""
    text = " ".join(str(error).split()) or "not enough memory"
    if not isinstance(error, InputError | MemoryError):
        text = f"{type(error).__name__}: {text}"
    return text if str(path) in text else f"{path}: {text}"


def _write(path: Path, cells: Cells, out: Path, kinds: Sequence[str], options: dict[str, Any]) -> None:
    assert cells.labels is not None
    try:
        for kind, file in zip(kinds, files_of(out, cells.image, kinds), strict=True):
            file.parent.mkdir(parents=True, exist_ok=True)
            if kind == "masks":
                from neubauer.images.write import write_labels

                write_labels(file, cells.labels, cells.pixel_size_um)
            elif kind == "overlays":
                from neubauer.cells.draw.overlay import draw_overlay
                from neubauer.images.read import open_image

                reading = options["reading"]
                draw_overlay(open_image(path, project=reading.project, frame=reading.frame), cells, file)
            else:
                from neubauer.cells.write.export import export

                export(kind, out / kind, cells, path)  # type: ignore[arg-type] # one of FORMATS
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{out}: cannot be written to ({error.strerror or error})") from error


def _merge_coco(out: Path, names: Sequence[str], classes: Sequence[str]) -> None:
    """One COCO file of those of the images, also of the ones that were counted earlier."""
    from neubauer.cells.write.coco import merge_coco

    files = [file for name in names for file in files_of(out, name, ["coco"]) if file.exists()]
    merged = out / "coco" / COMMON_FILES["coco"]
    if files or merged.exists():
        merge_coco(merged, files, classes)


def _print_json(out: Path, failed: dict[Path, str]) -> None:
    import json

    rows = json.loads(_counts(out).to_json(orient="records"))
    print(json.dumps({"out": str(out), "images": rows, "failed": {str(p): why for p, why in failed.items()}}))


def _print_table(
    out: Path, counter: CellCounter, refinement: Refinement | None, failed: dict[Path, str], wanted: int
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = _counts(out)
    shown = Table(title=f"cells per image [90 % interval], {counter.config.training.get('name', '')}".rstrip(", "))
    shown.add_column("image")
    classes = counter.config.classes
    if refinement is not None:  # they may be many: what no image has is in the file alone
        classes = tuple(n for n in refinement.classes if (table[n] > 0).any())
    for name in (*classes, "total"):
        shown.add_column(name, justify="right")
    shown.add_column("diameter", justify="right")
    shown.add_column("flag")
    for row in table.head(40).to_dict("records"):
        cells = [f"{row[n]} [{row[n + '_low']}–{row[n + '_high']}]" for n in (*classes, "total")]
        shown.add_row(str(row["image"]), *cells, f"{row['diameter']} px", row["flag"])
    console = Console(markup=False, emoji=False)  # names are shown as they are
    console.print(shown)
    if len(table) > 40:
        console.print(f"... and {len(table) - 40} more images")
    console.print(f"tables: {out / 'counts.csv'}, {out / 'objects.csv'}", soft_wrap=True)
    for kind in FILES:
        if (out / kind).is_dir():
            console.print(f"{kind}: {out / kind}", soft_wrap=True)
    if failed:
        console.print(f"failed: {len(failed)} of {wanted} images, {out / 'failed.csv'}", soft_wrap=True)


def _counts(out: Path) -> Any:
    import pandas as pd

    return pd.read_csv(out / "counts.csv", dtype={"image": str, "flag": str}, keep_default_na=False)


def _formats(text: str) -> list[str]:
    wanted = dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip())
    for name in wanted:
        if name not in FORMATS:
            raise InputError("--format", repr(name), "one of " + ", ".join(FORMATS))
    return list(wanted)


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
