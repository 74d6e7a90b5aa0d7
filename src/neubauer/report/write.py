"""report.html and report.pdf of a folder of results."""

from __future__ import annotations

from pathlib import Path

from neubauer.cells.write.extras import need
from neubauer.errors import InputError
from neubauer.images.write import atomic_path
from neubauer.report.results import read_results

HTML, PDF = "report.html", "report.pdf"
OURS = {HTML: b'<meta name="generator" content="neubauer">', PDF: b"neubauer"}
"""What tells our reports from files of others, within their first bytes."""
HEAD = 4096


def need_pdf() -> None:
    """Raises InputError where reportlab is not installed."""
    need("reportlab", "--pdf", "pdf")


def write_report(results: str | Path, *, pdf: bool = False) -> list[Path]:
    """Make a report of what `neubauer count` left in a folder: one file that needs nothing else, in that folder.

    It says what was counted with what, with a paragraph for a paper and whom to cite; shows the images, those to be
    checked first, with their cells; plots counts, sizes and intervals; looks at how the images were taken, and whether
    that drifts over the run. The same results give the same bytes.

    Parameters
    ----------
    results : the folder.
    pdf : also write it as PDF.

    Returns
    -------
    The files that were written: report.html, and report.pdf if wanted.

    Raises
    ------
    InputError : no such results, a library is missing, or a file of that name that is no report.
    OutputError : a file cannot be written.
    """
    from neubauer.report.page import page

    folder = Path(results)
    wanted = [HTML, PDF] if pdf else [HTML]
    if pdf:
        need_pdf()
    read = read_results(folder)
    for name in wanted:
        _refuse_others(folder / name)
    with atomic_path(folder / HTML) as temporary:
        temporary.write_text(page(read), encoding="utf-8")
    if pdf:
        from neubauer.report.pdf import write_pdf

        with atomic_path(folder / PDF) as temporary:
            write_pdf(temporary, read)
    return [folder / name for name in wanted]


def _refuse_others(file: Path) -> None:
    """Nothing that no report is gets overwritten."""
    if not file.exists():
        return
    content = file.read_bytes()
    if OURS[file.name] not in (content[:HEAD] if file.name == HTML else content):
        raise InputError(file, "a file that is no report of this program", "another name for that file")
