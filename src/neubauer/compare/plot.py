"""The plot of a comparison: every sample with the interval of its count, and the means of conditions with theirs."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.compare.compare import Comparison

SAMPLE, MEAN, PAIR = "#0072B2", "#000000", "#999999"  # blue of Okabe & Ito, black, grey: also apart in grey print
WIDTH = 0.34
"""How far the samples of a condition are spread, of the distance of two conditions."""
_WRAP = 14


def draw(found: Comparison, path: Path) -> None:
    """Draw it into an SVG or PNG file, which the suffix says; the same comparison gives the same bytes.

    Conditions are columns; the left half of each holds its samples, in their order, the right one its mean. Where the
    samples are paired, grey lines join them.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    names = list(found.conditions["condition"])
    labels = [f"{textwrap.fill(str(row.condition), _WRAP)}\nn = {row.samples}" for row in found.conditions.itertuples()]
    style: dict[Any, Any] = {
        "svg.hashsalt": "neubauer",
        "svg.fonttype": "none",
        "font.size": 9,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=(max(3.6, 1.4 + 1.05 * len(names)), 3.9), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        if found.design.paired is not None:
            _join(axes, found, names)
        for i, name in enumerate(names):
            _samples(axes, found, i, name)
            row = found.conditions.iloc[i]
            low, high = (row["mean"] if np.isnan(row[end]) else row[end] for end in ("low", "high"))
            x = i + 0.22
            if not np.isnan(row["low"]):
                axes.plot([x, x], [low, high], color=MEAN, linewidth=1.8, solid_capstyle="butt", zorder=3)
            axes.plot([x - 0.11, x + 0.11], [row["mean"]] * 2, color=MEAN, linewidth=2.4, zorder=3)
        axes.set_xticks(range(len(names)), labels)
        axes.tick_params(axis="x", length=0)
        axes.set_xlim(-0.6, len(names) - 0.4)
        axes.set_ylabel(found.measure.label)
        if found.measure.positive and found.measure.name != "diameter":
            axes.set_ylim(bottom=0)
        _legend(axes, found)
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=200, metadata=metadata)


def _x(found: Comparison, name: str, i: int) -> np.ndarray:
    n = int((found.samples["condition"] == name).sum())
    return i - 0.18 + WIDTH * (np.linspace(-0.5, 0.5, n) if n > 1 else np.zeros(1))


def _samples(axes: Any, found: Comparison, i: int, name: str) -> None:
    own = found.samples[found.samples["condition"] == name]
    x = _x(found, name, i)
    if (own["standard_error"] > 0).any():
        axes.vlines(x, own["low"], own["high"], color=SAMPLE, linewidth=0.8, alpha=0.7)
    axes.plot(x, own["value"], "o", color=SAMPLE, markersize=4.5, markeredgecolor="white", markeredgewidth=0.4)


def _join(axes: Any, found: Comparison, names: list[str]) -> None:
    """Lines between the samples of neighbouring conditions that belong together."""
    where: dict[str, list[tuple[float, float]]] = {}
    for i, name in enumerate(names):
        own = found.samples[found.samples["condition"] == name]
        for x, (sample, value) in zip(_x(found, name, i), zip(own["sample"], own["value"], strict=True), strict=True):
            where.setdefault(sample, []).append((x, value))
    for points in where.values():
        axes.plot(*zip(*points, strict=True), color=PAIR, linewidth=0.7, zorder=0)


def _legend(axes: Any, found: Comparison) -> None:
    from matplotlib.lines import Line2D

    percent = f"{100 * found.level:g} %"
    unit = ", ".join(found.design.unit)
    counted = (found.samples["standard_error"] > 0).any()
    said = unit + (", joined by lines" if found.design.paired is not None else "")
    said += f"; {percent} interval of counting" if counted else ""
    between = found.conditions["low"].notna().any()
    handles = [
        Line2D([], [], color=SAMPLE, marker="o", markersize=4.5, linewidth=0.8 if counted else 0, label=said),
        Line2D([], [], color=MEAN, linewidth=2.4, label=f"mean over n; {percent} interval" if between else "mean"),
    ]
    axes.figure.legend(handles=handles, loc="outside lower left", frameon=False, fontsize=8, ncols=1)
