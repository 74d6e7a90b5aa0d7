"""Outlines of regions in a picture, each with its name and count."""

from __future__ import annotations

import shapely
from PIL import Image, ImageDraw, ImageFont

from neubauer.cells.draw.legend import font_of
from neubauer.cells.table import Cells

LINE, DARK = (255, 255, 255), (0, 0, 0)


def draw_regions(picture: Image.Image, cells: Cells) -> Image.Image:
    """The picture with white outlines, dark-rimmed so that they show on any ground; without regions the same.

    Names stand at the top of the regions; one that would cover another is moved down.
    """
    if cells.regions is None:
        return picture
    zoom_y, zoom_x = (n / whole for n, whole in zip(picture.size[::-1], cells.shape, strict=True))
    thin = 2 if max(picture.size) >= 1000 else 1
    draw = ImageDraw.Draw(picture)
    rings = [
        [(x * zoom_x, y * zoom_y) for x, y in shapely.get_coordinates(ring)]
        for region in cells.regions.regions
        for ring in shapely.get_rings(shapely.get_parts(region.area))
    ]
    for colour, width in ((DARK, thin + 4), (LINE, thin + 1)):
        for ring in rings:
            draw.line(ring, fill=colour, width=width, joint="curve")
    font = font_of(max(11, round(max(picture.size) / 75)))
    taken: list[tuple[float, float, float, float]] = []
    for region, text in zip(cells.regions.regions, _texts(cells), strict=True):
        if region.area.is_empty:
            continue
        place = _place(draw, font, text, (region.area, zoom_y, zoom_x), picture.size, taken)
        taken.append(place)
        draw.rectangle(place, fill=DARK)
        draw.text(((place[0] + place[2]) / 2, (place[1] + place[3]) / 2), text, fill=LINE, font=font, anchor="mm")
    return picture


def _texts(cells: Cells) -> list[str]:
    assert cells.regions is not None
    members = cells.regions.members(cells.table[["centroid-0", "centroid-1"]].to_numpy())
    texts = []
    for i, region in enumerate(cells.regions.regions):
        total = cells.region_estimates[i].get("total") if cells.region_estimates else None
        if total is None:
            texts.append(f"{region.name}: {int(members[:, i].sum())}")
        else:
            count, low, high = total.rounded()
            texts.append(f"{region.name}: {count} ({low}–{high})")
    return texts


def _place(
    draw: ImageDraw.ImageDraw,
    font: ImageFont.FreeTypeFont,
    text: str,
    region: tuple[shapely.Geometry, float, float],
    size: tuple[int, int],
    taken: list[tuple[float, float, float, float]],
) -> tuple[float, float, float, float]:
    """Box of a name: in the middle of the region's top, in the picture, below those that are there already."""
    area, zoom_y, zoom_x = region
    x0, y0, x1, y1 = area.bounds
    top = shapely.clip_by_rect(area, x0, y0, x1, y0 + max((y1 - y0) / 20, 1))  # where it is highest
    middle = (x0 + x1) / 2 if top.is_empty else top.centroid.x
    left, upper, right, lower = draw.textbbox((0, 0), text, font=font)
    width, height = right - left + font.size * 0.6, lower - upper + font.size * 0.5
    x = min(max(middle * zoom_x - width / 2, 1), max(size[0] - width - 1, 1))
    y = min(y0 * zoom_y + 3, max(size[1] - height - 1, 1))
    for _ in range(len(taken)):
        hit = [b for b in taken if b[0] < x + width and x < b[2] and b[1] < y + height and y < b[3]]
        if not hit or hit[0][3] + 1 + height > size[1]:
            break
        y = hit[0][3] + 1
    return x, y, x + width, y + height
