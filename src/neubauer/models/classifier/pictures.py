"""Pictures of what a classifier does: contact sheets, the confusion matrix, and where it looks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from neubauer.gan.pictures import to_rgb
from neubauer.images.write import atomic_path
from neubauer.metrics.classification import ClassificationScores

TILE, CAPTION, GAP, COLUMNS = 80, 14, 6, 12


def contact_sheet(images: np.ndarray, captions: Sequence[str], title: str) -> Image.Image:
    """Images with a line of text below each, row by row.

    Parameters
    ----------
    images : (N, C, Y, X) in [-1, 1], N > 0.
    captions : N short texts.
    title : of the sheet.
    """
    rows = math.ceil(len(images) / COLUMNS)
    columns = min(COLUMNS, len(images))
    width = max(columns * (TILE + GAP) + GAP, 8 * len(title) + 2 * GAP)
    page = Image.new("RGB", (width, rows * (TILE + CAPTION + GAP) + 24 + GAP), "white")
    draw = ImageDraw.Draw(page)
    draw.text((GAP, 6), title, "black")
    for i, (pixels, caption) in enumerate(zip(to_rgb(images), captions, strict=True)):
        left, top = GAP + (i % COLUMNS) * (TILE + GAP), 24 + (i // COLUMNS) * (TILE + CAPTION + GAP)
        page.paste(Image.fromarray(pixels).resize((TILE, TILE), Image.Resampling.BICUBIC), (left, top))
        draw.text((left, top + TILE + 1), caption, "black")
    return page


def draw_confusion(scores: ClassificationScores, path: Path) -> Path:
    """The confusion matrix as a PNG: numbers of images, coloured by their share of the row."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    counts, k = scores.confusion, len(scores.classes)
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    figure = Figure(figsize=(2.4 + 0.62 * k, 2.0 + 0.55 * k), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    shown = axes.imshow(share, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for i in range(k):
        for j in range(k):
            if counts[i, j]:
                axes.text(j, i, str(counts[i, j]), ha="center", va="center", color="w" if share[i, j] > 0.5 else "k")
    axes.set_xticks(range(k), scores.classes, rotation=45, ha="right")
    axes.set_yticks(range(k), scores.classes)
    axes.set_xlabel("given")
    axes.set_ylabel("true")
    axes.set_title(f"{scores.n} images, accuracy {scores.accuracy:.4f}", fontsize=10)
    figure.colorbar(shown, label="share of the true class")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=110, format="png")
    return path


def saliency_picture(image: np.ndarray, saliency: np.ndarray, title: str) -> Image.Image:
    """An image and what its class rests on, side by side: red speaks for the class, blue against it.

    Parameters
    ----------
    image : (C, Y, X) in [-1, 1].
    saliency : (Y, X), see `neubauer.models.classifier.saliency.saliency`.
    title : of the picture.
    """
    rgb = to_rgb(image[None])[0].astype(np.float32)
    strength = saliency / max(float(np.abs(saliency).max()), 1e-6)
    grey = rgb.mean(2, keepdims=True)
    colour = np.where(strength[..., None] > 0, np.array([220.0, 20.0, 20.0]), np.array([30.0, 60.0, 220.0]))
    weight = 0.7 * np.abs(strength)[..., None]
    heat = np.uint8(grey * (1 - weight) + colour * weight)
    side = 4 * TILE
    page = Image.new("RGB", (2 * side + 3 * GAP, side + 24 + GAP), "white")
    for i, pixels in enumerate((np.uint8(rgb), heat)):
        picture = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
        page.paste(picture, (GAP + i * (side + GAP), 24))
    ImageDraw.Draw(page).text((GAP, 6), title, "black")
    return page
