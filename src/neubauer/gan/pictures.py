"""Pictures of images with any number of channels, and of the curves of a run."""

from __future__ import annotations

import colorsys
import math
from pathlib import Path

import numpy as np

from neubauer.gan.training.run_folder import read_metrics


def to_rgb(images: np.ndarray) -> np.ndarray:
    """(N, C, Y, X) in [-1, 1] -> (N, Y, X, 3) uint8.

    One channel is grey, three are red, green and blue; other numbers are added up in evenly spaced hues.
    """
    x = (np.clip(images, -1, 1) + 1) / 2
    channels = x.shape[1]
    if channels == 1:
        rgb = np.repeat(x, 3, axis=1)
    elif channels == 3:
        rgb = x
    else:
        hues = np.array([colorsys.hsv_to_rgb(i / channels, 1, 1) for i in range(channels)])
        rgb = np.clip(np.einsum("ncyx,ck->nkyx", x, hues), 0, 1)
    return np.round(255 * rgb).astype(np.uint8).transpose(0, 2, 3, 1)


def grid(images: np.ndarray, columns: int | None = None, gap: int = 2) -> np.ndarray:
    """Images (N, C, Y, X) in [-1, 1] side by side with white gaps, nearly square unless `columns` says otherwise; (Y',
    X', 3) uint8."""
    rgb = to_rgb(images)
    n, y, x, _ = rgb.shape
    columns = columns or math.ceil(math.sqrt(n))
    rows = math.ceil(n / columns)
    canvas = np.full((rows * (y + gap) - gap, columns * (x + gap) - gap, 3), 255, np.uint8)
    for i, image in enumerate(rgb):
        top, left = (i // columns) * (y + gap), (i % columns) * (x + gap)
        canvas[top : top + y, left : left + x] = image
    return canvas


def draw_curves(run: Path) -> Path | None:
    """All columns of a run's `metrics.csv` over the steps, one panel per kind, alarms as red lines: `curves.png`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = read_metrics(run)
    names = [n for n in (rows[0] if rows else {}) if n not in ("step", "seconds") and not n.startswith("alarm/")]
    if not names:
        return None
    panels: dict[str, list[str]] = {}
    for name in names:
        # the monitor's numbers have scales of their own; losses and gradients are compared within their kind
        panels.setdefault(name if name.startswith("monitor/") else name.split("/")[0], []).append(name)
    columns = min(4, len(panels))
    height = math.ceil(len(panels) / columns)
    figure = Figure(figsize=(4 * columns, 2.6 * height), layout="constrained")
    FigureCanvasAgg(figure)
    alarms = [int(r["step"]) for r in rows if any(v for n, v in r.items() if n.startswith("alarm/"))]
    for i, (title, members) in enumerate(panels.items()):
        axes = figure.add_subplot(height, columns, i + 1)
        for name in members:
            points = [(int(r["step"]), float(r[name])) for r in rows if r[name]]
            axes.plot(*zip(*points, strict=True), label=name.removeprefix(f"{title}/"), linewidth=1)
        for step in alarms:
            axes.axvline(step, color="red", linewidth=0.5, alpha=0.5)
        axes.set_title(title, fontsize=9)
        axes.tick_params(labelsize=7)
        if len(members) > 1:
            axes.legend(fontsize=6)
    file = run / "curves.png"
    figure.savefig(file, dpi=90)
    return file
