"""`neubauer report`: a document of a folder of results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neubauer.cli.common import errors_to_exit
from neubauer.errors import InputError

KINDS = ("html", "pdf")

Report = Annotated[str, typer.Option("--report", metavar="html|pdf", help="report.html, or report.pdf beside it.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="No report, and no thumbnails for one.")]


def report(
    results: Annotated[Path, typer.Argument(metavar="FOLDER", help="What `neubauer count` wrote.")],
    pdf: Annotated[bool, typer.Option("--pdf", help="Also write report.pdf.")] = False,
) -> None:
    """Make report.html of a folder of results: one file to hand on, which needs no network.

    What was counted with what, a paragraph for a paper, whom to cite; the images, those to be checked first; counts,
    sizes and intervals; how the images were taken, and whether that drifts over the run.
    """
    with errors_to_exit():
        from neubauer.report.write import write_report

        for file in write_report(results, pdf=pdf):
            print(file)


def check_report(kind: str) -> None:
    """Before anything is counted: a report can be made.

    Raises
    ------
    InputError : no such kind, or a library is missing.
    """
    if kind not in KINDS:
        raise InputError("--report", repr(kind), "one of " + ", ".join(KINDS))
    if kind == "pdf":
        from neubauer.report.write import need_pdf

        need_pdf()
