"""The report as PDF, for those who print or file it.

By reportlab: pure Python, BSD, without a renderer of HTML, which would need libraries of the system.
"""

from __future__ import annotations

import io
from html import escape
from pathlib import Path
from typing import Any

from matplotlib import get_data_path
from PIL import Image as PillowImage
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import BaseDocTemplate, Frame, Image, KeepTogether, LongTable, PageTemplate, Paragraph, Spacer
from reportlab.platypus import Table as Grid

from neubauer.report.checks import remarks, trends
from neubauer.report.drawing import Drawing
from neubauer.report.methods import Methods, methods
from neubauer.report.numbers import number, ranged
from neubauer.report.pdf_plots import ACCENT, FONT, INK, LINE, QUIET, WARN, plot_shapes
from neubauer.report.plots import counts_in_order, histogram, in_order
from neubauer.report.results import Results

BOLD = "DejaVuSans-Bold"
MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
ACROSS, SHOWN = 4, 48
"""Pictures in a row, and at most."""


def write_pdf(path: Path, results: Results) -> None:
    """Write the report of results; the same results give the same bytes."""
    for name in (FONT, BOLD):
        pdfmetrics.registerFont(TTFont(name, Path(get_data_path(), "fonts", "ttf", f"{name}.ttf")))
    pdfmetrics.registerFontFamily(FONT, FONT, BOLD, FONT, BOLD)
    about = methods(results)
    name = results.folder.resolve().name
    document = BaseDocTemplate(
        str(path),
        pagesize=A4,
        title=f"Cell counts: {name}",
        author="neubauer",
        creator="neubauer",
        invariant=1,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
    )
    frame = Frame(MARGIN, MARGIN, WIDTH, A4[1] - 2 * MARGIN, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame], onPage=lambda canvas, _: _foot(canvas, name)))
    document.build(_story(results, about, name))


def _foot(canvas: Any, name: str) -> None:
    canvas.saveState()
    canvas.setFont(FONT, 7)
    canvas.setFillColor(QUIET)
    canvas.drawString(MARGIN, 10 * mm, _clean(name))
    canvas.drawRightString(A4[0] - MARGIN, 10 * mm, str(canvas.getPageNumber()))
    canvas.restoreState()


def _style(size: float, colour: Any = INK, bold: bool = False, before: float = 0, after: float = 0) -> ParagraphStyle:
    return ParagraphStyle(
        "text",
        fontName=BOLD if bold else FONT,
        fontSize=size,
        leading=size * 1.4,
        textColor=colour,
        alignment=TA_LEFT,
        spaceBefore=before,
        spaceAfter=after,
        splitLongWords=True,
    )


TITLE, HEADING = _style(20, bold=True, after=3), _style(13, bold=True, before=14, after=5)
BODY, SMALL, WARNING = _style(9, after=4), _style(7.5, QUIET), _style(7, WARN)
UNDER_TITLE = _style(9, QUIET, after=8)
CELL, CELL_HEAD = _style(7), _style(7, bold=True)


def _clean(text: Any) -> str:
    """Without what no font has a sign for."""
    return "".join(c if c.isprintable() else "\ufffd" for c in str(text).encode("utf-8", "replace").decode())


def _said(text: Any, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(_clean(text)), style)


def _story(results: Results, about: Methods, name: str) -> list[Any]:
    counts = results.counts
    day = f"{about.counted_on.day} {about.counted_on:%B %Y}"
    flagged = [i for i, flag in enumerate(counts["flag"]) if flag]
    story: list[Any] = [
        _said("CELL COUNTS", _style(8, ACCENT, bold=True)),
        _said(name, TITLE),
        _said(f"Counted on {day} with neubauer {about.versions[0][1]}", UNDER_TITLE),
        _figures(results, len(flagged)),
        _said("Methods", HEADING),
        _said(about.paragraph, BODY),
    ]
    story += [_said(f"Limits of the model: {about.limits}", SMALL)] if about.limits else []
    if len(counts):
        story.append(_together("Counts", [plot_shapes(counts_in_order(results, "total"), WIDTH)]))
    story += _pairs([histogram(counts[c], f"{c}, count per image", "images", whole=True) for c in results.classes])
    story += _pairs(_of_cells(results))
    told, of_run = trends(results), remarks(results).of_run
    if of_run:
        story += [_said("Image quality", HEADING), *(_said(text, BODY) for text in of_run)]
    if told:
        story.append(_said("Drift over the run", HEADING))
        story += [_said(f"{trend.name.capitalize()}: {trend.words}.", BODY) for trend in told]
        story += _pairs([in_order(trend) for trend in told])
    story += _pictures(results, flagged)
    story += [_said("Table", HEADING), _table(results)]
    if len(results.failed):
        story.append(_said("Could not be counted", HEADING))
        story += [_said(f"{row['image']}: {row['reason']}", BODY) for row in results.failed.to_dict("records")]
    story.append(_said("To be cited", HEADING))
    story += [_said(f"{what}: {text}", BODY) for what, text in about.citations]
    story.append(_said("Versions and settings", HEADING))
    story += [_said(f"{key}: {value or '–'}", SMALL) for key, value in (*about.versions, *about.settings)]
    return story


def _figures(results: Results, flagged: int) -> Grid:
    total = int(results.counts["total"].sum()) if len(results.counts) else 0
    shown = [(len(results.counts), "images"), (total, "cells counted"), (flagged, "to be checked by eye")]
    shown += [(len(results.failed), "could not be counted")] if len(results.failed) else []
    large = _style(17, bold=True)
    cells = [[_said(f"{n:,}", large) for n, _ in shown], [_said(what, SMALL) for _, what in shown]]
    return Grid(cells, [WIDTH / 4] * len(shown), hAlign="LEFT", style=[("LEFTPADDING", (0, 0), (-1, -1), 0)])


def _together(heading: str, things: list[Any]) -> KeepTogether:
    return KeepTogether([_said(heading, HEADING), *things])


def _of_cells(results: Results) -> list[Drawing | None]:
    found: list[Drawing | None] = []
    for name in results.classes:
        own = results.cells[results.cells["class"] == name]
        if results.unit:
            found.append(histogram(own["size"], f"diameter of {name}, {results.unit}", "cells"))
        found.append(histogram(own["probability"], f"probability of {name}", "cells"))
    return found


def _pairs(drawings: list[Drawing | None]) -> list[Any]:
    """Two beside each other."""
    drawn = [plot_shapes(d, WIDTH / 2 - 4 * mm) for d in drawings if d is not None]
    style = [("LEFTPADDING", (0, 0), (-1, -1), 0), ("RIGHTPADDING", (0, 0), (-1, -1), 0)]
    return [Grid([row], [WIDTH / 2] * 2, style=style) for row in _rows(drawn, 2)]


def _rows(things: list[Any], across: int) -> list[list[Any]]:
    """In rows of so many; the last one is filled up."""
    starts = range(0, len(things), across)
    return [(things[i : i + across] + [""] * across)[:across] for i in starts]


def _pictures(results: Results, flagged: list[int]) -> list[Any]:
    """Images with their cells: those that are flagged, or where there are none the first."""
    chosen = (flagged or list(range(len(results.counts))))[:SHOWN]
    width = WIDTH / ACROSS - 3 * mm
    cells = []
    for i in chosen:
        row = results.counts.iloc[i]
        outlined = results.pictures(row["image"])[1]
        if outlined is not None:
            said = [_said(f"{row['image']}: {row['total']}", CELL), _said(row["flag"], WARNING)]
            cells.append([_picture(outlined, width), *said])
    if not cells:
        return []
    more = f" The first {SHOWN} of {len(flagged)} are shown; the table has all." if len(flagged) > SHOWN else ""
    intro = "Flagged by the program, with the reason." if flagged else "None was flagged; the first ones."
    style = [("VALIGN", (0, 0), (-1, -1), "TOP"), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
    grids = [Grid([row], [WIDTH / ACROSS] * ACROSS, style=style) for row in _rows(cells, ACROSS)]
    return [KeepTogether([_said("Images", HEADING), _said(intro + more, BODY), grids[0]]), *grids[1:]]


def _picture(webp: bytes, width: float) -> Image:
    """As JPEG, which PDF holds as it is."""
    with PillowImage.open(io.BytesIO(webp)) as picture:
        found = io.BytesIO()
        picture.convert("RGB").save(found, "JPEG", quality=80)
        zoom = min(width / picture.width, 0.75 * width / picture.height)
        return Image(found, picture.width * zoom, picture.height * zoom, hAlign="LEFT")


def _table(results: Results) -> Any:
    classes = [c for c in results.classes if results.counts[c].sum() > 0] if len(results.classes) > 1 else []
    head = ["image", *classes, "total", "diameter, px", "to be checked"]
    said = remarks(results).of_images
    rows = [[_said(name, CELL_HEAD) for name in head]]
    for row, found in zip(results.counts.to_dict("records"), said, strict=True):
        counted = [_said(ranged((row[c], row[f"{c}_low"], row[f"{c}_high"])), CELL) for c in (*classes, "total")]
        beside = [_said(row["flag"], WARNING)] if row["flag"] else []
        beside += [_said("; ".join(found), SMALL)] if found else []
        file = _said(row.get("file") or row["image"], CELL)
        rows.append([file, *counted, _said(number(row["diameter"]), CELL), beside or ""])
    narrow = min(24 * mm, 0.5 * WIDTH / (len(classes) + 2))
    rest = WIDTH - narrow * (len(classes) + 2)
    style = [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, LINE),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ("RIGHTPADDING", (0, 0), (-1, -1), 4),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    widths = [rest * 0.45, *[narrow] * (len(classes) + 2), rest * 0.55]
    if len(rows) == 1:
        return Spacer(1, 1)
    return LongTable(rows, widths, style=style, repeatRows=1, hAlign="LEFT")
