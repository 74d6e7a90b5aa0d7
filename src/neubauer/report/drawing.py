"""Plots as a few kinds of marks at places in points, which become SVG on a page or lines in a PDF."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

import numpy as np

Anchor = Literal["start", "middle", "end"]


@dataclass(frozen=True)
class Marks:
    """Marks of one kind (`data`, `flagged`, `axis` ...), which says how they look.

    Attributes
    ----------
    kind : of the marks.
    bars : (x, y, width, height) of rectangles.
    lines : (x0, y0, x1, y1).
    dots : (x, y).
    """

    kind: str
    bars: Sequence[tuple[float, float, float, float]] = ()
    lines: Sequence[tuple[float, float, float, float]] = ()
    dots: Sequence[tuple[float, float]] = ()


@dataclass(frozen=True)
class Text:
    """A word at a place."""

    x: float
    y: float
    text: str
    anchor: Anchor = "middle"
    kind: str = "tick"


@dataclass
class Drawing:
    """A plot; y goes down.

    Attributes
    ----------
    title : what it shows, in words, for those who do not see it.
    width, height : in points.
    marks, texts : what is drawn, in this order.
    """

    title: str
    width: float
    height: float
    marks: list[Marks] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def svg(self) -> str:
        """As SVG that takes its colours from the classes `mark-KIND` and `text-KIND` of the page."""
        parts = [
            f'<svg class="plot" viewBox="0 0 {_n(self.width)} {_n(self.height)}" role="img" '
            f'aria-label="{escape(self.title)}">'
        ]
        for marks in self.marks:
            path = "".join(f"M{_n(x)} {_n(y)}h{_n(w)}v{_n(h)}h{_n(-w)}z" for x, y, w, h in marks.bars)
            path += "".join(f"M{_n(a)} {_n(b)}L{_n(c)} {_n(d)}" for a, b, c, d in marks.lines)
            path += "".join(f"M{_n(x)} {_n(y)}h0" for x, y in marks.dots)
            if path:
                parts.append(f'<path class="mark-{marks.kind}" d="{path}"/>')
        for t in self.texts:
            parts.append(
                f'<text class="text-{t.kind}" x="{_n(t.x)}" y="{_n(t.y)}" text-anchor="{t.anchor}">'
                f"{escape(t.text)}</text>"
            )
        return "".join([*parts, "</svg>"])


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if value else "0"


@dataclass(frozen=True)
class Scale:
    """A range of values on a line of a plot, with ticks at round numbers."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, n: int, whole: bool = False) -> list[tuple[float, str]]:
        """Place and text of about `n` round numbers."""
        from matplotlib.ticker import MaxNLocator

        values = MaxNLocator(n, integer=whole, steps=[1, 2, 2.5, 5, 10]).tick_values(self.low, self.high)
        step = float(np.diff(values).min())
        inside = [float(v) for v in values if self.low - 1e-9 * step <= v <= self.high + 1e-9 * step]
        return [(self(v), shown(v, step)) for v in inside]


def shown(value: float, step: float) -> str:
    """A number with as many digits as a step needs."""
    if abs(value) >= 1e6 or 0 < step < 1e-4:
        return f"{value:.3g}"
    digits = next((n for n in range(5) if abs(round(step, n) - step) < step / 1000), 5)
    return f"{value:,.{digits}f}"
