"""`neubauer count`: images in; tables, masks and overlays out."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neubauer.cli.adaptation import load_adaptation
from neubauer.cli.common import SOME_FAILED, errors_to_exit, run_folder, say
from neubauer.cli.refinement import load_refinement
from neubauer.errors import InputError, OutputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from neubauer.cells.export import Format
    from neubauer.cells.parts import TableParts
    from neubauer.cells.table import Cells
    from neubauer.cli.refinement import Refinement
    from neubauer.models.counter import CellCounter

FORMATS: tuple[Format, ...] = ("geojson", "coco", "roi", "yolo")
FILES = {
    "masks": "{}_masks.tif",
    "overlays": "{}_overlay.png",
    "geojson": "{}.geojson",
    "coco": "{}_coco.json",
    "roi": "{}_rois.zip",
    "yolo": "labels/{}.txt",
}
"""What an image gets in the folder of each kind of output."""
COMMON_FILES = {"coco": "annotations.json", "yolo": "classes.txt"}
"""What all images share there."""


def count(
    inputs: Annotated[list[str], typer.Argument(metavar="INPUT...", help="Image files, folders or globs.")],
    model: Annotated[str, typer.Option(help="Name of a bundled model, or a file. `neubauer models` lists them.")],
    out: Annotated[Path, typer.Option(help="Folder for the results. A stopped run goes on where it was.")],
    diameter: Annotated[
        float | None, typer.Option(help="Typical cell diameter in pixels. Default: estimated for each image.")
    ] = None,
    project: Annotated[str | None, typer.Option(help="What to make of a stack: max, mean, sum or min.")] = None,
    frame: Annotated[int | None, typer.Option(help="Which image of a stack to take, from 0.")] = None,
    stain: Annotated[
        str | None,
        typer.Option(help="Count by one stain of RGB tissue: haematoxylin, eosin or dab; with a model of one channel."),
    ] = None,
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
        _check_project(project)
        if frame is not None and frame < 0:
            raise InputError("--frame", str(frame), "a number from 0")
        _check_stain(stain)
        if shard is not None and overwrite:
            raise InputError("--overwrite", "it beside --shard", "a new folder: each shard would delete the others")
        from neubauer.images.find import unique_stems

        every = _find(inputs)
        names = unique_stems(every)
        paths = _shard(every, shard)
        from neubauer.models.counter import CellCounter
        from neubauer.models.registry import resolve

        file = resolve(model)
        counter = CellCounter.load(file)
        if diameter is not None:
            counter.check_diameter(diameter)
        run: dict[str, Any] = {"verb": "count", "model": file.stem, "model_sha256": _digest(file), "diameter": diameter}
        run |= {"project": project, "frame": frame, "stain": stain}
        options: dict[str, Any] = {"diameter": diameter, "project": project, "frame": frame, "stain": stain}
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
        from neubauer.cells.parts import TableParts

        if overwrite:
            _remove_results(out, TableParts(out, _classes(counter, refinement)))
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

    from neubauer.cells.parts import TableParts

    classes = _classes(counter, refinement)
    parts = TableParts(out, classes)
    stored = parts.done()
    dropped = _forget_changed(out, parts, {names[path]: path for path in paths if names[path] in stored})
    outdated = _outdated(parts, others, stored)

    def is_done(name: str) -> bool:
        whole = name in stored and name not in dropped and "failed" not in parts.record(name)
        return whole and all(file.exists() for file in _files(out, name, kinds))

    todo = [path for path in paths if not is_done(names[path])]
    if len(todo) < len(paths):
        say(f"{len(paths) - len(todo)} of {len(paths)} images are done already and are skipped")
    failed: dict[Path, str] = {}
    console = Console(stderr=True)
    try:
        for path in track(todo, "counting", console=console, disable=not console.is_terminal):
            name = names[path]
            outputs = _outputs(parts.record(name))
            state = _file_state(path)  # before it is read: what changes meanwhile has changed since
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
    from neubauer.cells.match import split_images_and_annotations
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


def _file_state(path: Path) -> dict[str, int]:
    """What differs when a file has changed; nothing for one that is gone."""
    try:
        stat = path.stat()
    except OSError:
        return {}
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _unchanged(path: Path, record: Mapping[str, Any]) -> bool:
    state = _file_state(path)
    return bool(state) and state == {key: record.get(key) for key in state}


def _forget_changed(out: Path, parts: TableParts, paths: Mapping[str, Path]) -> dict[str, list[str]]:
    """Drop the results of images whose files have changed since; returns which kinds of files each of them had."""
    records = {name: parts.record(name) for name in paths}
    changed = [name for name, record in records.items() if not _unchanged(paths[name], record)]
    known = sum("mtime_ns" in records[name] for name in changed)
    if known:
        say(f"{known} image{' has' if known == 1 else 's have'} changed since and {_are(known)} counted again")
    if unknown := len(changed) - known:  # results of an older version
        say(f"{unknown} image{'' if unknown == 1 else 's'} without a record of the file {_are(unknown)} counted again")
    return {name: _drop(out, parts, name) for name in changed}


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def _outdated(parts: TableParts, others: Mapping[str, Path], stored: set[str]) -> list[str]:
    """Names of those images of earlier calls whose files are gone or changed; says what becomes of all of them."""
    outdated = [name for name, path in others.items() if not _unchanged(path, parts.record(name))]
    gone, every = len(stored.intersection(outdated)), len(stored.intersection(others))
    if every:
        say(
            f"images counted earlier that are not among these inputs: {every - gone} kept in the tables, "
            f"{gone} left out of them (the files are gone or have changed since)"
        )
    return outdated


def _outputs(record: Mapping[str, Any]) -> list[str]:
    """The kinds of files that were written for an image."""
    found = record.get("outputs")
    return [kind for kind in found if kind in FILES] if isinstance(found, list) else []


def _drop(out: Path, parts: TableParts, name: str) -> list[str]:
    """Remove what was written for an image, of which kinds is returned; files that were not stay."""
    kinds = _outputs(parts.record(name))
    _remove(_files(out, name, kinds))
    parts.drop(name)  # last: it says which files there are
    return kinds


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{file}: cannot be removed ({error.strerror or error})") from error


def _remove_results(out: Path, parts: TableParts) -> None:
    """Remove the files of all images of an earlier run, and the folders that are empty then."""
    written = {kind for name in parts.recorded() for kind in _drop(out, parts, name)}
    _remove([out / kind / COMMON_FILES[kind] for kind in written & COMMON_FILES.keys()])
    for folder in [(out / kind / FILES[kind]).parent for kind in written] + [out / kind for kind in written]:
        with suppress(OSError):  # others have files there
            folder.rmdir()


def _count(counter: CellCounter, refinement: Refinement | None, path: Path, options: dict[str, Any]) -> Cells:
    if options.keys().isdisjoint({"adaptation", "repaired"}) and refinement is None:
        return counter.predict(path, **options)
    from neubauer.images.read import open_image

    image = open_image(path, project=options["project"], frame=options["frame"])
    if "adaptation" in options:
        image = options["adaptation"].apply(image)
    cells = counter.predict(image, diameter=options["diameter"], stain=options["stain"])
    if "repaired" in options:
        from neubauer.models.repaired_cells import holes_of, mark_repaired

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


def _files(out: Path, name: str, kinds: Sequence[str]) -> list[Path]:
    return [out / kind / FILES[kind].format(name) for kind in kinds]


def _write(path: Path, cells: Cells, out: Path, kinds: Sequence[str], options: dict[str, Any]) -> None:
    assert cells.labels is not None
    try:
        for kind, file in zip(kinds, _files(out, cells.image, kinds), strict=True):
            file.parent.mkdir(parents=True, exist_ok=True)
            if kind == "masks":
                from neubauer.images.write import write_labels

                write_labels(file, cells.labels, cells.pixel_size_um)
            elif kind == "overlays":
                from neubauer.cells.overlay import draw_overlay
                from neubauer.images.read import open_image

                draw_overlay(open_image(path, project=options["project"], frame=options["frame"]), cells, file)
            else:
                from neubauer.cells.export import export

                export(kind, out / kind, cells, path)  # type: ignore[arg-type] # one of FORMATS
    except OSError as error:
        if isinstance(error, OutputError):
            raise
        raise OutputError(f"{out}: cannot be written to ({error.strerror or error})") from error


def _merge_coco(out: Path, names: Sequence[str], classes: Sequence[str]) -> None:
    """One COCO file of those of the images, also of the ones that were counted earlier."""
    from neubauer.cells.write_coco import merge_coco

    files = [file for name in names for file in _files(out, name, ["coco"]) if file.exists()]
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
    shown.add_column("flag")
    for row in table.head(40).to_dict("records"):
        cells = [f"{row[n]} [{row[n + '_low']}–{row[n + '_high']}]" for n in (*classes, "total")]
        shown.add_row(str(row["image"]), *cells, row["flag"])
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


def _check_stain(stain: str | None) -> None:
    from neubauer.images.stain import STAINS

    if stain is not None and stain not in STAINS:
        raise InputError("--stain", repr(stain), "one of " + ", ".join(STAINS))


def _check_project(project: str | None) -> None:
    from neubauer.images.stack import PROJECTIONS

    if project is not None and project not in PROJECTIONS:
        raise InputError("--project", repr(project), "one of " + ", ".join(PROJECTIONS))


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
