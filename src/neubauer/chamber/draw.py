"""A picture of a photograph with the ruling, the squares that count, and the cells."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from neubauer.cells.draw.display import to_display
from neubauer.cells.draw.legend import Colour, Item, add_lines, font_of
from neubauer.chamber.aggregates import AGGREGATE
from neubauer.chamber.count import Counted
from neubauer.images.source import ImageSource
from neubauer.images.write import atomic_path

LINE, SQUARE, TOGETHER, UNCOUNTED = (70, 130, 200), (60, 230, 120), (255, 90, 220), (170, 170, 170)
COLOURS: dict[str, Colour] = {"cell": (255, 205, 40), "live": (255, 205, 40), "dead": (255, 70, 60)}
TEXT = (240, 240, 240)
DARK = (0, 0, 0)


def draw_chamber(
    image: ImageSource, counted: Counted, path: Path, said: Sequence[str] = (), max_side: int = 2000
) -> Image.Image:
    """Draw what was counted, and what not.

    Parameters
    ----------
    image, counted : a photograph, and what was counted in it.
    path : PNG file to write.
    said : lines below the picture.
    max_side : longest side, pixels.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    left, top, right, bottom = _lit(counted)
    longest = max(image.shape[1:])
    picture = to_display(image, round(min(longest, max_side * longest / max(right - left, bottom - top))))
    zoom = np.array(picture.size) / image.shape[:0:-1]
    draw = ImageDraw.Draw(picture)
    thick = max(1, round(max(picture.size) / 700))
    found = counted.found
    for line in _lines(counted):
        pixels = found.projection.to_pixels(line)
        inside = found.field.inside(pixels)
        for k in np.flatnonzero(inside[:-1] & inside[1:]):
            draw.line([*map(tuple, (pixels[k : k + 2] + 0.5) * zoom - 0.5)], fill=LINE, width=1)
    for square in found.squares:
        outline = (found.projection.to_pixels(_outline(square.box)) + 0.5) * zoom - 0.5
        draw.line([*map(tuple, outline)], fill=SQUARE, width=thick + 1)
        here = counted.cells["square"] == f"{square.row + 1}-{square.column + 1}"
        _number(draw, outline, int(here.sum()), picture)
    for cell in counted.cells.to_dict("records"):
        colour = COLOURS[cell["class"]] if cell["counted"] else UNCOUNTED
        centre = (np.array([cell["image_x"], cell["image_y"]]) + 0.5) * zoom - 0.5
        radius = max(1.35 * cell["image_radius"] * float(zoom.mean()), 3.0) + thick
        box = (*(centre - radius), *(centre + radius))
        draw.ellipse(box, outline=DARK, width=thick + 2)
        draw.ellipse(box, outline=colour, width=thick)
        if cell["counted"] and cell["together"] >= AGGREGATE:
            draw.ellipse(
                (*(centre - radius - 2 * thick), *(centre + radius + 2 * thick)), outline=TOGETHER, width=thick
            )
    below: list[list[Item]] = [_legend(counted)]
    below += [[(text, TEXT, None)] for text in said]
    box = np.clip(np.array([left, top, right, bottom]) * np.tile(zoom, 2), 0, np.tile(picture.size, 2))
    page = add_lines(picture.crop(tuple(box.round().astype(int).tolist())), below)
    with atomic_path(path) as temporary:
        page.save(temporary, format="PNG")
    return page


def _lit(counted: Counted) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of the field, in pixels of the photograph, with a small margin."""
    field = counted.found.field
    y, x = np.nonzero(field.mask)
    margin = 0.02 * max(field.mask.shape)
    low, high = np.array([x.min(), y.min()]) - margin, np.array([x.max(), y.max()]) + 1 + margin
    (left, top), (right, bottom) = low / field.zoom, high / field.zoom
    return float(left), float(top), float(right), float(bottom)


def _lines(counted: Counted) -> list[np.ndarray]:
    """Every line of the ruling as points along it, mm."""
    ruling = counted.found.ruling
    found = []
    for axis in (0, 1):
        along = np.linspace(0, ruling.size[1 - axis], 80)
        for at in np.unique(ruling.lines[axis][:, 1]):
            points = np.column_stack([np.full(80, at), along])
            found.append(points if axis == 0 else points[:, ::-1])
    return found


def _outline(box: tuple[float, float, float, float]) -> np.ndarray:
    x0, y0, x1, y1 = box
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])
    t = np.linspace(0, 1, 24)[:, None]
    return np.concatenate([a + t * (b - a) for a, b in pairwise(corners)])


def _number(draw: ImageDraw.ImageDraw, outline: np.ndarray, n: int, picture: Image.Image) -> None:
    size = max(14, round(max(picture.size) / 70))
    x, y = outline.min(0) + size * 0.6
    draw.text((x, y), str(n), fill=SQUARE, font=font_of(size), stroke_width=2, stroke_fill=DARK)


def _legend(counted: Counted) -> list[Item]:
    cells = counted.counted
    items: list[Item] = [(f"large squares: {len(counted.found.squares)}", TEXT, SQUARE)]
    for name in counted.classes:
        number = int((cells["class"] == name).sum())
        items.append((f"{number} {'cells' if name == 'cell' else name} counted", TEXT, COLOURS[name]))
    items.append((f"{int((~counted.cells['counted']).sum())} not counted", TEXT, UNCOUNTED))
    sticking = int((cells["together"] >= AGGREGATE).sum())
    if sticking:
        items.append((f"{sticking} in aggregates", TEXT, TOGETHER))
    return items
