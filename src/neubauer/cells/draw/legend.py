"""The legend below an overlay: what the colours mean, the counts with their intervals, and the flags."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib import get_data_path
from PIL import Image, ImageDraw, ImageFont

from neubauer.cells.table import Cells

_BACKGROUND, _TEXT, _QUIET, _WARNING = (28, 28, 28), (240, 240, 240), (170, 170, 170), (255, 190, 90)
_LEAST_WIDTH = 480  # narrower pictures are set into a wider page, so that the legend stays readable

_FONT = Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")  # Pillow's own has no "–", "µ" or Greek

Colour = tuple[int, int, int]
Item = tuple[str, Colour, Colour | None]  # text, its colour, the colour of its swatch


def add_legend(picture: Image.Image, cells: Cells, colours: list[Colour]) -> Image.Image:
    """Return the picture with a legend below it.

    Parameters
    ----------
    picture : the overlay.
    cells : whose counts are shown.
    colours : of each class.
    """
    return add_lines(picture, _groups(cells, colours))


def font_of(size: float) -> ImageFont.FreeTypeFont:
    """The font of all pictures, in pixels."""
    return ImageFont.truetype(_FONT, size)


def add_lines(picture: Image.Image, groups: Sequence[list[Item]]) -> Image.Image:
    """Return the picture with lines of text below it; a group begins a line, and its items go on beside each other."""
    width = max(picture.width, _LEAST_WIDTH)
    font = font_of(max(14, round(width / 65)))
    size = round(font.size)
    margin, line = size, round(1.5 * size)
    room = width - 2 * margin
    rows = [row for group in groups for row in _wrap(group, font, room)]

    page = Image.new("RGB", (width, picture.height + 2 * margin + line * len(rows)), _BACKGROUND)
    page.paste(picture, ((width - picture.width) // 2, 0))
    draw = ImageDraw.Draw(page)
    y = picture.height + margin
    for row in rows:
        x = margin
        for text, colour, swatch in row:
            if swatch is not None:
                draw.rectangle((x, y + line // 2 - size // 2, x + size - 1, y + line // 2 + size // 2 - 1), fill=swatch)
                x += round(1.5 * size)
            draw.text((x, y + line // 2), text, fill=colour, font=font, anchor="lm")
            x += round(font.getlength(text)) + 2 * size
        y += line
    return page


def _groups(cells: Cells, colours: list[Colour]) -> list[list[Item]]:
    """What is written, in groups that each begin a line."""
    counts = cells.counts()
    head: list[Item] = [(cells.image, _TEXT, None)]
    if len(cells.classes) > 1:
        number = cells.estimates["total"].rounded()[0] if "total" in cells.estimates else sum(counts.values())
        head.append((f"{number} in total{_interval(cells, 'total')}", _TEXT, None))
    if cells.regions is not None:
        n = len(cells.regions)
        head.append((f"counted in {n} region{'' if n == 1 else 's'}", _TEXT, None))
    if "left_out" in cells.info:
        head.append((f"{cells.info['left_out']} left out by filters", _QUIET, None))
    if cells.estimates:
        head.append(("in brackets: prediction interval", _QUIET, None))
    classes: list[Item] = [
        (f"{name}  {counts[name]}{_interval(cells, name)}", _TEXT, colour)
        for name, colour in zip(cells.classes, colours, strict=True)
    ]
    flags: list[list[Item]] = [[(f"Check: {flag}", _WARNING, None)] for flag in cells.flags]
    return [head, classes, *flags]


def _interval(cells: Cells, name: str) -> str:
    if name not in cells.estimates:
        return ""
    _, low, high = cells.estimates[name].rounded()
    return f" ({low}–{high})"


def _wrap(items: list[Item], font: ImageFont.FreeTypeFont, room: int) -> list[list[Item]]:
    """Break a group into lines between items, and items that are too long for a line between words."""
    size = round(font.size)
    rows: list[list[Item]] = [[]]
    used = 0
    for text, colour, swatch in items:
        indent = 0 if swatch is None else round(1.5 * size)
        for i, piece in enumerate(_pieces(text, font, room - indent)):
            width = indent + round(font.getlength(piece))
            if rows[-1] and (i or used + width > room):
                rows.append([])
                used = 0
            rows[-1].append((piece, colour, None if i else swatch))
            used += width + 2 * size
    return rows


def _pieces(text: str, font: ImageFont.FreeTypeFont, room: int) -> list[str]:
    pieces = [""]
    for word in text.split(" "):
        longer = f"{pieces[-1]} {word}" if pieces[-1] else word
        if font.getlength(longer) <= room:
            pieces[-1] = longer
            continue
        if pieces[-1]:
            pieces.append("")
        while font.getlength(word) > room and len(word) > 1:  # a file name has no spaces to break at
            fits = max(1, next(n for n in range(len(word), 0, -1) if n == 1 or font.getlength(word[:n]) <= room))
            pieces[-1] = word[:fits]
            pieces.append("")
            word = word[fits:]
        pieces[-1] = word
    return [piece for piece in pieces if piece] or [""]
