"""Shapes as files have them -> regions of an image: valid, inside of it, with names of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import shapely
from shapely.geometry.base import BaseGeometry

from neubauer.cells.regions.regions import Region, Regions
from neubauer.errors import InputError
from neubauer.images.missing import percent

BEYOND = 1e-3
"""Share of a region that may lie outside of the image without a word; it is cut off."""
NAMED = 5
"""Regions named in one note."""


def make_regions(
    drawn: Sequence[Region], shape: tuple[int, int], where: str | Path, notes: Sequence[str] = ()
) -> Regions:
    """Regions of an image from shapes.

    A shape that crosses itself is made valid (what an odd number of turns encloses stays), what lies beyond the image
    is cut off, and of equal names all but the first get a number. `notes` says so; so it does of regions without area.

    Parameters
    ----------
    drawn : shapes of any kind, with names that may be empty or equal.
    shape : (Y, X) of the image.
    where : the file that they are from.
    notes : of whoever read it.

    Raises
    ------
    InputError : there is none, or all lie outside of the image.
    """
    if not drawn:
        raise InputError(where, "no region", "at least one polygon")
    frame = shapely.box(0, 0, shape[1], shape[0])
    regions, crossing, empty, outside, cut = [], [], [], [], []
    for region in named(drawn):
        area = region.area
        if not area.is_valid:
            area = shapely.make_valid(area)
            if polygons_of(area).area:  # else it is a line that is called a polygon
                crossing.append(region.name)
        area = polygons_of(area)
        inside = polygons_of(area.intersection(frame))
        if not area.area:
            empty.append(region.name)
        elif not inside.area:
            outside.append(region.name)
        elif inside.area < (1 - BEYOND) * area.area:
            cut.append(f"{region.name} ({percent(1 - inside.area / area.area)})")
        regions.append(replace(region, area=inside))
    if outside and len(outside) + len(empty) == len(regions):
        x0, y0, x1, y1 = shapely.total_bounds([r.area for r in drawn])
        raise InputError(
            where,
            f"regions that all lie outside of the image (y {y0:.0f} to {y1:.0f}, x {x0:.0f} to {x1:.0f})",
            f"regions of an image of {shape[0]} x {shape[1]} pixels (Y x X)",
        )
    said = [
        _note(crossing, "crossing itself and made valid"),
        _note(empty, "without any area"),
        _note(outside, "outside of the image"),
        _note(cut, "reaching beyond the image and cut off at its border"),
    ]
    return Regions(shape, tuple(regions), (*notes, *(s for s in said if s)))


def named(drawn: Sequence[Region]) -> list[Region]:
    """The same regions, each with a name of its own: without one, that of its class; equal ones are numbered."""
    bases = [region.name.strip() or region.kind.strip() or "region" for region in drawn]
    unnamed = [not region.name.strip() for region in drawn]
    often = Counter(bases)
    taken, result, number = set(bases), [], Counter[str]()
    for region, base, without in zip(drawn, bases, unnamed, strict=True):
        name = base
        if often[base] > 1 or (without and base == "region"):
            number[base] += 1
            if number[base] > 1 or without:
                while (name := f"{base} {number[base]}") in taken:
                    number[base] += 1
        taken.add(name)
        result.append(replace(region, name=name, kind=region.kind.strip()))
    return result


def polygons_of(shape: BaseGeometry) -> BaseGeometry:
    """What of a shape has an area: a polygon, or several."""
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return shape
    parts = [part for part in shapely.get_parts(shape) if part.geom_type in ("Polygon", "MultiPolygon")]
    return shapely.union_all(parts) if parts else shapely.Polygon()


def _note(names: Sequence[str], what: str) -> str:
    if not names:
        return ""
    shown = ", ".join(names[:NAMED]) + (" ..." if len(names) > NAMED else "")
    return f"region{'s' * (len(names) > 1)} {what}: {shown}"
