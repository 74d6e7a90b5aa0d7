"""`neubauer compare`: conditions compared over samples, from what `neubauer count` wrote."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from neubauer.cli.common import errors_to_exit, say
from neubauer.cli.options import Json, SampleSources

if TYPE_CHECKING:
    from neubauer.compare.compare import Comparison


def compare(
    results: Annotated[list[Path], typer.Argument(metavar="RESULTS...", help="Folders that `neubauer count` wrote.")],
    by: Annotated[str, typer.Option(help="The column of the conditions.")] = "condition",
    measure: Annotated[
        str,
        typer.Option(
            help="What is compared: total, a class, density, density:CLASS, share:CLASS, or a column of counts.csv or "
            "objects.csv (area, area:CLASS)."
        ),
    ] = "total",
    control: Annotated[
        str | None,
        typer.Option(help="The condition that all others are compared with (Dunnett's test). Default: all pairs."),
    ] = None,
    sample: Annotated[
        str | None,
        typer.Option(
            help="Columns, comma-separated, that name a sample: what is replicated. Default: replicate, sample or well."
        ),
    ] = None,
    paired: Annotated[
        str | None, typer.Option(help="Column by which samples of different conditions belong together.")
    ] = None,
    samples: SampleSources = None,
    method: Annotated[
        str, typer.Option(help="means: of the samples. mixed: a linear mixed model of the images.")
    ] = "means",
    correction: Annotated[
        str | None,
        typer.Option(
            help="Of the p-values: holm, bonferroni, fdr_bh or none. Default: holm; Dunnett's test with --control."
        ),
    ] = None,
    level: Annotated[float, typer.Option(help="Of the intervals.")] = 0.95,
    out: Annotated[
        Path | None, typer.Option(help="Folder for tables, plot and methods. Default: compare in the first folder.")
    ] = None,
    as_json: Json = False,
    overwrite: Annotated[bool, typer.Option(help="Replace an earlier comparison.")] = False,
) -> None:
    """Compare conditions over their samples, the error of counting included.

    Images of one sample are pooled first: neither images nor cells are taken for replicates. Writes samples.csv,
    conditions.csv (means with intervals), pairs.csv (difference, ratio and Hedges' g with intervals, p-values),
    plot.svg, plot.png, and methods.txt, a paragraph to paste.

    Exit code 0: done; 2: nothing was done (bad options or samples), or the results cannot be written.
    """
    with errors_to_exit():
        from neubauer.compare.compare import compare_conditions
        from neubauer.compare.write import check_folder, write_comparison

        folder = out or results[0] / "compare"
        check_folder(folder, overwrite)
        found = compare_conditions(
            results,
            by,
            measure=measure,
            control=control,
            sample=sample,
            paired=paired,
            samples=samples or (),
            method=method,
            correction=correction,
            level=level,
        )
        write_comparison(found, folder)
        for note in found.notes:
            say(f"note: {note}")
        if as_json:
            tables = {name: json.loads(getattr(found, name).to_json(orient="records")) for name in TABLES}
            print(json.dumps({"out": str(folder), **tables, "notes": found.notes}))
        else:
            _print(found, folder)


TABLES = ("samples", "conditions", "pairs")


def _print(found: Comparison, folder: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(markup=False, emoji=False)
    percent = f"{100 * found.level:g} %"
    shown = Table(title=f"{found.measure.label} [{percent} interval over {', '.join(found.design.unit)}]")
    for name, justify in ((found.design.by, "left"), ("n", "right"), ("images", "right"), ("mean", "right")):
        shown.add_column(name, justify=justify)  # type: ignore[arg-type]
    for row in found.conditions.to_dict("records"):
        mean = _with_interval(row, "mean", "low", "high")
        shown.add_row(str(row["condition"]), str(row["samples"]), str(row["images"]), mean)
    console.print(shown)
    shown = Table(title="compared")
    for name in ("", "difference", "ratio", "Hedges' g", "p", "p adjusted"):
        shown.add_column(name, justify="right" if name else "left")
    for row in found.pairs.to_dict("records"):
        effects = [_with_interval(row, n, f"{n}_low", f"{n}_high") for n in ("difference", "ratio", "hedges_g")]
        p = [_number(row[n], 2) if row[n] >= 1e-4 else "< 0.0001" if row[n] >= 0 else "–" for n in ("p", "p_adjusted")]
        shown.add_row(f"{row['condition']} vs {row['reference']}", *effects, *p)
    if len(found.pairs):
        console.print(shown)
    console.print(f"tables, plot and methods: {folder}", soft_wrap=True)


def _with_interval(row: dict[Any, Any], value: str, low: str, high: str) -> str:
    if row[low] != row[low]:
        return _number(row[value])
    return f"{_number(row[value])} [{_number(row[low])}, {_number(row[high])}]"


def _number(value: float, digits: int = 3) -> str:
    if value != value:
        return "–"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.{digits}g}"
