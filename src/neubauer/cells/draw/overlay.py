"""A picture of an image with the cells that were found, to check a count by eye."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage as ndi

from neubauer.cells.draw.colours import class_colours
from neubauer.cells.draw.display import to_display
from neubauer.cells.draw.legend import Colour, add_legend
from neubauer.cells.draw.missing import mark_missing
from neubauer.cells.draw.regions import draw_regions
from neubauer.cells.draw.unfamiliar import mark_unfamiliar
from neubauer.cells.table import Cells
from neubauer.images.read import from_array
from neubauer.images.source import ImageSource
from neubauer.images.write import atomic_path

_UNKNOWN = (200, 200, 200)
_HALO = 0.45  # brightness that is left beside a line, so that it shows on bright images too


def draw_overlay(
    image: np.ndarray | ImageSource, cells: Cells, path: str | Path | None = None, max_side: int = 2000
) -> Image.Image:
    """Draw the contours of cells in the colour of their class, with a legend of counts below the image.

    Where there is no label image, boxes are drawn, and crosses where only centres are known. Small images are
    enlarged, so that the lines are thin beside the cells. Where pixels of the image are missing (NaN, infinite), it is
    striped; and with thin stripes where it is unlike all that the counter has learnt. Regions are outlined, with name
    and count.

    Parameters
    ----------
    image : (C, Y, X) as it was read, in its own bit depth, or an image that is read by region.
    cells : what was found in it.
    path : PNG file to write, if any.
    max_side : longest side of the image in the picture, in pixels.

    Returns
    -------
    The picture, RGB.

    Raises
    ------
    ValueError : the image has another (Y, X) than the cells.
    OutputError : the file cannot be written.
    """
    source = image if isinstance(image, ImageSource) else from_array(image, axes="CYX")
    page = add_legend(draw_cells(to_display(source, max_side), source, cells), cells, class_colours(len(cells.classes)))
    if path is not None:
        with atomic_path(path) as temporary:
            page.save(temporary, format="PNG")
    return page


def draw_cells(picture: Image.Image, source: ImageSource, cells: Cells, line: int | None = None) -> Image.Image:
    """The picture of `draw_overlay` without its legend, from that of `to_display`.

    Parameters
    ----------
    picture : of the image, as `to_display` makes it.
    source, cells : the image, and what was found in it.
    line : width of the contours, pixels; by default it goes by the size of the picture.

    Raises
    ------
    ValueError : the image has another (Y, X) than the cells.
    """
    if tuple(source.shape[1:]) != tuple(cells.shape):
        raise ValueError(f"the image has the shape {source.shape}, the cells are of an image of {cells.shape}")
    picture = mark_missing(picture, source)
    picture = mark_unfamiliar(picture, cells.unfamiliar, cells.shape)
    colours = class_colours(len(cells.classes))
    if cells.labels is not None:
        picture = _draw_contours(picture, cells, colours, line or _line_width(picture))
    else:
        _draw_marks(picture, cells, colours)
    return draw_regions(picture, cells)


def _draw_contours(picture: Image.Image, cells: Cells, colours: list[Colour], width: int) -> Image.Image:
    """The outermost pixels of each cell, so that touching cells keep a line each."""
    assert cells.labels is not None
    y, x = ((np.arange(n) + 0.5) * (whole / n) for n, whole in zip(picture.size[::-1], cells.shape, strict=True))
    labels = cells.labels[np.ix_(y.astype(int), x.astype(int))]
    line = _rims(labels, width)
    halo = ndi.binary_dilation(line, structure=np.ones((3, 3))) & ~line

    of_label = np.full((int(labels.max(initial=0)) + 1, 3), _UNKNOWN, np.uint8)
    colour_of = dict(zip(cells.classes, colours, strict=True))
    for label, name in zip(cells.table["label"], cells.table["class"], strict=True):
        if label < len(of_label):  # a reduced picture may have lost the last ones
            of_label[label] = colour_of.get(name, _UNKNOWN)
    pixels = np.array(picture)
    pixels[halo] = (pixels[halo] * _HALO).astype(np.uint8)
    pixels[line] = of_label[labels[line]]
    return Image.fromarray(pixels)


def _rims(labels: np.ndarray, width: int) -> np.ndarray:
    """Pixels of a cell with another label within `width` pixels above, below, left or right."""
    rims = np.zeros(labels.shape, bool)
    for shift in range(1, width + 1):
        for axis in (0, 1):
            ahead, behind = np.moveaxis(labels, axis, 0)[shift:], np.moveaxis(labels, axis, 0)[:-shift]
            differs = ahead != behind
            np.moveaxis(rims, axis, 0)[shift:] |= differs
            np.moveaxis(rims, axis, 0)[:-shift] |= differs
    return rims & (labels != 0)


def _line_width(picture: Image.Image) -> int:
    return 2 if max(picture.size) >= 1000 else 1


def _draw_marks(picture: Image.Image, cells: Cells, colours: list[Colour]) -> None:
    """Boxes, or crosses for cells without an extent."""
    draw = ImageDraw.Draw(picture)
    zoom_y, zoom_x = (n / whole for n, whole in zip(picture.size[::-1], cells.shape, strict=True))
    arm = max(3, round(max(picture.size) / 250))
    thin = _line_width(picture)
    colour_of = dict(zip(cells.classes, colours, strict=True))
    marks: list[tuple[Colour, list[tuple[float, float, float, float]]]] = []
    for row in cells.table.to_dict("records"):
        y0, x0, y1, x1 = (float(row.get(f"bbox-{i}", 0)) for i in range(4))
        if y1 > y0 and x1 > x0:
            top, left, bottom, right = y0 * zoom_y, x0 * zoom_x, y1 * zoom_y - 1, x1 * zoom_x - 1
            lines = [(left, top, right, top), (right, top, right, bottom)]
            lines += [(right, bottom, left, bottom), (left, bottom, left, top)]
        else:
            cy, cx = (row["centroid-0"] + 0.5) * zoom_y, (row["centroid-1"] + 0.5) * zoom_x
            lines = [(cx - arm, cy, cx + arm, cy), (cx, cy - arm, cx, cy + arm)]
        marks.append((colour_of.get(row["class"], _UNKNOWN), lines))
    for _, lines in marks:  # all dark rims first, so that none covers the line of a neighbour
        for line in lines:
            draw.line(line, fill=(0, 0, 0), width=thin + 2)
    for colour, lines in marks:
        for line in lines:
            draw.line(line, fill=colour, width=thin)
