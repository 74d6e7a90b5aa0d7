"""The plots of a report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from neubauer.report.checks import Trend
from neubauer.report.drawing import Drawing, Marks, Scale, Text
from neubauer.report.results import Results

WIDE, HIGH = 1000.0, 270.0
SMALL_WIDE, SMALL_HIGH = 480.0, 205.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 22.0, 26.0, 40.0
MOST_BINS = 40
PERCENTILE = 99.5
"""Histograms end here: one giant among a million cells would squeeze all others into one bar. It is said."""
MANY, LONG_TAIL = 1000, 1.5
"""Only where there are so many values, and the largest is so many times larger than where it would end."""
CROWDED = 400
"""Images from which on dots are drawn smaller."""


def counts_in_order(results: Results, name: str) -> Drawing:
    """Counts of a class (or `total`) with their intervals, in the order of the table; flagged ones stand out."""
    table = results.counts
    count, low, high = (
        pd.to_numeric(table[f"{name}{end}"], errors="coerce").to_numpy(float) for end in ("", "_low", "_high")
    )
    flagged = (table["flag"] != "").to_numpy()
    tops = np.concatenate([count, high[np.isfinite(high)]])
    y = Scale(0, max(1.0, float(np.nanmax(tops, initial=1.0))) * 1.04, HIGH - BOTTOM, TOP)
    x = Scale(-0.7, max(len(table), 2) - 0.3, LEFT, WIDE - RIGHT)
    many = "-many" if len(table) > CROWDED else ""
    drawing = Drawing(
        f"Counts of {name} in {len(table)} images in the order of the table, with 90 % intervals; "
        f"{int(flagged.sum())} of them flagged",
        WIDE,
        HIGH,
    )
    _axes(drawing, x, y, "image, in the order of the table", name if name != "total" else "cells", whole_y=True)
    for kind, which in (("interval", ~flagged), ("interval-flagged", flagged)):
        found = [
            (x(i), y(low[i]), x(i), y(high[i]))
            for i in np.flatnonzero(which & np.isfinite(low) & np.isfinite(high)).tolist()
        ]
        drawing.marks.append(Marks(f"{kind}{many}", lines=found))
    for kind, which in (("data", ~flagged), ("flagged", flagged)):
        drawing.marks.append(Marks(f"{kind}{many}", dots=[(x(i), y(count[i])) for i in np.flatnonzero(which).tolist()]))
    return drawing


def histogram(values: Sequence[float] | np.ndarray, label: str, what: str, whole: bool = False) -> Drawing | None:
    """How often values occur; None where there is none.

    Parameters
    ----------
    values : NaN is left out.
    label : of the horizontal axis.
    what : that are counted, `cells`.
    whole : they are whole numbers, each of which lies in the middle of its bar.
    """
    v = np.asarray(values, float)
    v = v[np.isfinite(v)]
    if not len(v):
        return None
    end, largest = float(np.percentile(v, PERCENTILE)), float(v.max())
    if len(v) < MANY or largest < LONG_TAIL * end:
        end = largest
    beyond = int((v > end).sum())
    edges = _edges(v[v <= end], whole)
    number, _ = np.histogram(v, edges)
    x = Scale(edges[0], edges[-1], LEFT, SMALL_WIDE - RIGHT)
    y = Scale(0, max(1, int(number.max())) * 1.06, SMALL_HIGH - BOTTOM, TOP)
    middle = float(np.median(v))
    drawing = Drawing(
        f"Distribution of {label} over {len(v):,} {what}; median {middle:.3g}, from {v.min():.3g} to {v.max():.3g}",
        SMALL_WIDE,
        SMALL_HIGH,
    )
    more = f" ({beyond:,} larger than shown)" if beyond else ""
    _axes(drawing, x, y, label + more, what, whole_y=True, whole_x=whole)
    gap = min(1.0, (x(edges[1]) - x(edges[0])) * 0.12)
    drawing.marks.append(
        Marks(
            "bar",
            bars=[
                (x(a) + gap / 2, y(n), x(b) - x(a) - gap, y(0) - y(n))
                for a, b, n in zip(edges[:-1], edges[1:], number, strict=True)
                if n
            ],
        )
    )
    drawing.marks.append(Marks("median", lines=[(x(middle), y(0), x(middle), TOP)]))
    near_end = x(middle) > SMALL_WIDE - RIGHT - 90
    drawing.texts.append(
        Text(
            x(middle) + (-4 if near_end else 4), TOP - 6, f"median {middle:.3g}", "end" if near_end else "start", "note"
        )
    )
    return drawing


def _edges(values: np.ndarray, whole: bool) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if whole:
        width = max(1, int(np.ceil((high - low + 1) / MOST_BINS)))
        return np.arange(low - 0.5, high + width + 0.5, width)
    if low == high:
        return np.array([low - 0.5, low + 0.5]) if low else np.array([-0.5, 0.5])
    edges = np.histogram_bin_edges(values[:: max(1, len(values) // 100_000)], "fd", (low, high))
    return edges if 6 <= len(edges) <= MOST_BINS + 1 else np.linspace(low, high, min(max(len(edges), 7), MOST_BINS + 1))


def in_order(trend: Trend) -> Drawing:
    """A measure over the order of the images, with the line of its trend where it is one."""
    v = trend.values
    known = np.isfinite(v)
    low, high = float(np.nanmin(v)), float(np.nanmax(v))
    room = (high - low) * 0.06
    y = Scale(max(0.0, low - room) if low >= 0 else low - room, high + room, SMALL_HIGH - BOTTOM, TOP)
    x = Scale(-0.7, len(v) - 0.3, LEFT, SMALL_WIDE - RIGHT)
    drawing = Drawing(f"{trend.name.capitalize()} over the order of the images: {trend.words}", SMALL_WIDE, SMALL_HIGH)
    _axes(drawing, x, y, "image, in the order of the table", trend.unit)
    many = "-many" if len(v) > CROWDED / 2 else ""
    drawing.marks.append(Marks(f"data{many}", dots=[(x(i), y(v[i])) for i in np.flatnonzero(known).tolist()]))
    if trend.told:
        ends = [min(max(end, y.low), y.high) for end in (trend.start, trend.end)]
        drawing.marks.append(Marks("trend", lines=[(x(0), y(ends[0]), x(len(v) - 1), y(ends[1]))]))
    return drawing


def _axes(
    drawing: Drawing, x: Scale, y: Scale, label: str, along_y: str, whole_y: bool = False, whole_x: bool = True
) -> None:
    """Lines at round values of y, the axis of x, ticks and labels."""
    y_ticks, x_ticks = y.ticks(5, whole_y), x.ticks(8 if drawing.width > 600 else 6, whole_x)
    if label.startswith("image"):  # people count from 1
        x_ticks = [(x(i - 1), text) for i, text in _image_numbers(x)]
    drawing.marks.append(Marks("grid", lines=[(x.start, place, x.end, place) for place, _ in y_ticks]))
    drawing.marks.append(Marks("axis", lines=[(x.start, y.start, x.end, y.start)]))
    drawing.marks.append(Marks("axis", lines=[(place, y.start, place, y.start + 4) for place, _ in x_ticks]))
    drawing.texts += [Text(x.start - 7, place + 3.5, text, "end") for place, text in y_ticks]
    drawing.texts += [Text(place, y.start + 16, text) for place, text in x_ticks]
    drawing.texts.append(Text((x.start + x.end) / 2, y.start + 33, label, kind="label"))
    drawing.texts.append(Text(2, TOP - 14, along_y, "start", "label"))


def _image_numbers(x: Scale) -> list[tuple[int, str]]:
    last = round(x.high + 0.3)
    numbers = [int(text.replace(",", "")) for _, text in Scale(1, max(last, 2), 0, 1).ticks(8, True)]
    return [(n, f"{n:,}") for n in dict.fromkeys([1, *numbers]) if 1 <= n <= last]
