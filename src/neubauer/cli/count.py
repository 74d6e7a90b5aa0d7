"""`neubauer count`: images in; tables, masks and overlays out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neubauer.cli.common import SOME_FAILED, errors_to_exit, say
from neubauer.cli.filters import BorderRule, LeastArea, LeastProbability, MostArea, RegionsOf, filters_of
from neubauer.cli.further_tables import AnnData, Excel, Parquet, wanted_tables
from neubauer.cli.options import Channel, Frame, Inputs, ProjectName, Recursive, StainName, Workers, reading_of
from neubauer.cli.options import SampleSources as Samples
from neubauer.cli.report import NoReport, Report, check_report
from neubauer.cli.runs import do, tell
from neubauer.errors import InputError

if TYPE_CHECKING:
    from neubauer.runs.job import Item
    from neubauer.runs.jobs.count import Count
    from neubauer.runs.run import Finished


def count(
    inputs: Inputs,
    out: Annotated[Path, typer.Option(help="Folder for the results. A stopped run goes on where it was.")],
    model: Annotated[
        str | None,
        typer.Option(
            help="Name of a bundled model, or a file. `neubauer models` lists them. "
            "Default: the bundled one that has learnt images like these."
        ),
    ] = None,
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
    regions: RegionsOf = None,
    border: BorderRule = "include",
    min_area: LeastArea = None,
    max_area: MostArea = None,
    min_probability: LeastProbability = None,
    formats: Annotated[
        str, typer.Option("--format", help="Further outputs, comma-separated: geojson, coco, roi, yolo.")
    ] = "",
    samples: Samples = None,
    shard: Annotated[
        str | None, typer.Option(help="i/n: take every n-th image, from the i-th (1 to n); for several machines.")
    ] = None,
    recursive: Recursive = False,
    workers: Workers = 1,
    overlays: Annotated[bool, typer.Option(help="Write overlay pictures.")] = True,
    masks: Annotated[bool, typer.Option(help="Write label images.")] = True,
    report: Report = "html",
    no_report: NoReport = False,
    excel: Excel = False,
    parquet: Parquet = False,
    anndata: AnnData = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON instead of a table.")] = False,
    overwrite: Annotated[bool, typer.Option(help="Replace results of an earlier run.")] = False,
) -> None:
    """Count, outline and classify the cells of images.

    Writes counts.csv (a row per image), objects.csv (a row per cell), with --regions regions.csv (a row per region),
    masks/ and overlays/, and failed.csv (image, reason) if some failed. In a folder, annotations beside their images
    (a_masks.tif beside a.tif) are left out.

    Exit code 0: all images are counted; 1: some of them, or all, failed, each is named, the others are counted; 2:
    nothing was done (bad options or inputs), or the results cannot be written; 130: stopped by Ctrl-C, the same command
    goes on.
    """
    with errors_to_exit("interrupted: what was written is complete; the same command goes on from here"):
        if shard is not None and overwrite:
            raise InputError("--overwrite", "it beside --shard", "a new folder: each shard would delete the others")
        check_report(report)
        tables = wanted_tables(excel, parquet, anndata)
        reading = reading_of(project, frame, channel, stain)
        share = share_of(shard)
        filters = filters_of(border, min_area, max_area, min_probability)
        from neubauer.report.write import write_report
        from neubauer.runs.exports import export
        from neubauer.runs.inputs import find_items
        from neubauer.runs.jobs.count import Count, choose_model, wanted_formats
        from neubauer.runs.regions import choose_regions

        items = find_items(inputs, recursive=recursive, leave_annotations=True, on_event=tell)
        chosen_regions = choose_regions(regions, items, tell)
        of_samples = samples_by_name(items, samples)
        job = Count(
            model or choose_model(items, reading, tell),
            diameter,
            reading,
            wanted_formats(formats, masks, overlays),
            adapt_from,
            repaired,
            classifier,
            classify,
            classify_diameter,
            chosen_regions,
            filters,
            report=not no_report,
        )
        finished = do(
            job, items, out, "counting", workers=workers, overwrite=overwrite, share=share, samples=of_samples
        )
        export(out, tables, tell)
        if not no_report:
            write_report(out, pdf=report == "pdf")
        if as_json:
            _print_json(finished)
        else:
            _print_table(finished, job)
    if finished.failed:
        raise typer.Exit(SOME_FAILED)


def samples_by_name(items: Sequence[Item], sources: list[str] | None) -> dict[str, dict[str, str]] | None:
    """What is known of each image beside its pixels, by name; what is wrong with it is told.

    Raises
    ------
    InputError : see `neubauer.compare.samples.samples_of`.
    """
    if not sources:
        return None
    from neubauer.compare.samples import samples_of

    found = samples_of(items, sources)
    for note in found.notes:
        say(f"note: {note}")
    return {item.name: columns for item, columns in zip(items, found.columns, strict=True) if columns}


def share_of(shard: str | None) -> tuple[int, int] | None:
    """`2/8` as (2, 8).

    Raises
    ------
    InputError : it is no share.
    """
    if shard is None:
        return None
    try:
        i, n = (int(part) for part in shard.split("/"))
    except ValueError:
        i, n = 0, 0
    if not 1 <= i <= n:
        raise InputError("--shard", repr(shard), "i/n with 1 <= i <= n, e.g. 2/8")
    return i, n


def _print_json(finished: Finished) -> None:
    import json

    rows = json.loads(_counts(finished.out).to_json(orient="records"))
    failed = {str(path): why for path, why in finished.failed.items()}
    print(json.dumps({"out": str(finished.out), "images": rows, "failed": failed}))


def _print_table(finished: Finished, job: Count) -> None:
    from rich.console import Console
    from rich.table import Table

    from neubauer.cells.write.formats import FORMATS

    out, table = finished.out, _counts(finished.out)
    shown = Table(title=f"cells per image [90 % interval], {job.counter.config.training.get('name', '')}".rstrip(", "))
    shown.add_column("image")
    classes = job.counter.config.classes
    if job.refinement is not None:  # they may be many: what no image has is in the file alone
        classes = tuple(n for n in job.refinement.classes if (table[n] > 0).any())
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
    tables = ["counts.csv", "objects.csv", *([] if job.regions is None else ["regions.csv"])]
    console.print("tables: " + ", ".join(str(out / name) for name in tables), soft_wrap=True)
    for file in ("report.html", "report.pdf"):
        if (out / file).exists():
            console.print(f"report: {out / file}", soft_wrap=True)
    for kind in FORMATS:
        if (out / kind).is_dir():
            console.print(f"{kind}: {out / kind}", soft_wrap=True)
    if finished.failed:
        failed = f"failed: {len(finished.failed)} of {finished.wanted} images, {out / 'failed.csv'}"
        console.print(failed, soft_wrap=True)


def _counts(out: Path) -> Any:
    from neubauer.cells.write.tables import read_counts

    return read_counts(out / "counts.csv")
