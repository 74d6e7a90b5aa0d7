"""The plots of a report as shapes of reportlab, in the colours of the page on paper."""

from __future__ import annotations

from typing import Any

from reportlab.graphics.shapes import Drawing as Shapes
from reportlab.graphics.shapes import Line, Rect, String
from reportlab.lib import colors

from neubauer.report.drawing import Drawing

FONT = "DejaVuSans"
TEXT_SIZE = 6.3
INK, QUIET, LINE, ACCENT, SOFT, WARN, WARN_SOFT = map(
    colors.HexColor, ("#1d2426", "#57646a", "#dde3e3", "#00695f", "#7fb8b0", "#a34700", "#e9b48a")
)
LOOKS: dict[str, tuple[Any, float]] = {
    "grid": (LINE, 0.5),
    "axis": (QUIET, 0.5),
    "bar": (SOFT, 0),
    "median": (INK, 0.8),
    "interval": (SOFT, 1.2),
    "interval-flagged": (WARN_SOFT, 1.2),
    "interval-many": (SOFT, 0.4),
    "interval-flagged-many": (WARN_SOFT, 0.4),
    "data": (ACCENT, 3.2),
    "flagged": (WARN, 3.2),
    "data-many": (ACCENT, 1.4),
    "flagged-many": (WARN, 1.6),
    "trend": (WARN, 1.4),
}
"""Colour and width of each kind of marks."""


def plot_shapes(drawing: Drawing, width: float) -> Shapes:
    """A plot, `width` points wide, with y going up."""
    zoom, height = width / drawing.width, drawing.height
    shapes = Shapes(width, height * zoom)

    def at(x: float, y: float) -> tuple[float, float]:
        return x * zoom, (height - y) * zoom

    for marks in drawing.marks:
        colour, line = LOOKS[marks.kind]
        dashes = [3, 2] if marks.kind == "median" else None
        for x, y, w, h in marks.bars:
            shapes.add(Rect(*at(x, y + h), w * zoom, h * zoom, fillColor=colour, strokeWidth=0, strokeColor=None))
        look = {"strokeColor": colour, "strokeWidth": line}
        for a, b, c, d in marks.lines:
            shapes.add(Line(*at(a, b), *at(c, d), strokeDashArray=dashes, **look))
        for x, y in marks.dots:
            left, up = at(x, y)
            shapes.add(Line(left, up, left + 0.01, up, strokeLineCap=1, **look))
    for text in drawing.texts:
        colour = QUIET if text.kind == "tick" else INK
        look = {"textAnchor": text.anchor, "fontName": FONT, "fontSize": TEXT_SIZE, "fillColor": colour}
        shapes.add(String(*at(text.x, text.y), text.text, **look))
    return shapes
