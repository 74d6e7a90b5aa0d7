"""Projects and exports of the VGG Image Annotator (VIA) 1 and 2 in, JSON and CSV: one file for many images."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import StringIO
from pathlib import Path
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd

from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.shapes import Drawn, Shape, box, ellipse, point, polygon
from neubauer.cells.read.values import numbers, points, shown
from neubauer.errors import InputError

CLASS_ATTRIBUTES = ("class", "label", "type", "cell", "name", "category", "object")
"""Of several attributes of the regions, the first of these that there is tells the class, in any case."""
_PROJECT = "_via_img_metadata"
_COLUMNS = ("filename", "region_count", "region_shape_attributes", "region_attributes")


@dataclass(frozen=True)
class Region:
    """A region of a VIA file: which entry it is, its shape, and its attributes."""

    where: str
    shape: Mapping[str, Any]
    attributes: Mapping[str, Any]


def read_via(content: Content, place: int) -> Drawn:
    """Read the regions of one image of a VIA file (robots.ox.ac.uk/~vgg/software/via).

    All shapes are known: rect, circle, ellipse (`theta` in radians), polygon, polyline (taken as closed), point. The
    class is the attribute of the regions; where they have several, the one called `class`, `label`, `type` or the like
    (`CLASS_ATTRIBUTES`). Of a checkbox it is what is checked. An image without regions has no cells.

    Raises
    ------
    InputError : a region is broken or of another shape, or it cannot be told which attribute is the class.
    """
    images = _images(content)
    _, regions = images[place]
    attribute = _class_attribute(content.path, [r for _, others in images for r in others])
    return Drawn([_shape(content.path, region, attribute) for region in regions])


def _shape(path: Path, region: Region, attribute: str | None) -> Shape:
    where, given = region.where, region.shape
    name = "" if attribute is None else _class(path, where, region.attributes.get(attribute))

    def values(*names: str) -> list[float]:
        return numbers(path, where, [(n, given.get(n)) for n in names])

    match given.get("name"):
        case "rect":
            x, y, width, height = values("x", "y", "width", "height")
            return box(where, name, y, x, y + height, x + width)
        case "circle":
            cx, cy, r = values("cx", "cy", "r")
            return ellipse(where, name, (cy, cx), (r, r))
        case "ellipse":
            cx, cy, rx, ry = values("cx", "cy", "rx", "ry")
            (theta,) = numbers(path, where, [("theta", given.get("theta", 0))])
            return ellipse(where, name, (cy, cx), (ry, rx), float(np.rad2deg(theta)))
        case "polygon" | "polyline":
            xs, ys = given.get("all_points_x"), given.get("all_points_y")
            if not isinstance(xs, list) or not isinstance(ys, list) or len(xs) != len(ys):
                found = f"all_points_x {shown(xs)} and all_points_y {shown(ys)} in {where}"
                raise InputError(path, found, "lists of the same length")
            return polygon(where, name, points(path, where, list(zip(xs, ys, strict=True)), 3))
        case "point":
            cx, cy = values("cx", "cy")
            return point(where, name, cy, cx)
    expected = "rect, circle, ellipse, polygon, polyline or point"
    raise InputError(path, f"the shape {shown(given.get('name'))} in {where}", expected)


def _class_attribute(path: Path, regions: Sequence[Region]) -> str | None:
    names = list(dict.fromkeys(str(name) for region in regions for name in region.attributes))
    if len(names) <= 1:
        return names[0] if names else None
    by_lower = {name.lower(): name for name in reversed(names)}
    for usual in CLASS_ATTRIBUTES:
        if usual in by_lower:
            return by_lower[usual]
    found = f"regions with the attributes {', '.join(map(shown, names))}"
    raise InputError(path, found, f"one attribute, or one called {', '.join(CLASS_ATTRIBUTES)}")


def _class(path: Path, where: str, value: object) -> str:
    """The class that the value of an attribute says; "" and "undefined" are none."""
    if isinstance(value, dict):  # checkboxes
        checked = [str(name) for name, state in value.items() if state]
        if len(checked) > 1:
            raise InputError(path, f"the classes {', '.join(map(shown, checked))} in {where}", "one class")
        return checked[0].strip() if checked else ""
    text = "" if value is None else str(value).strip()
    return "" if text == "undefined" else text


@lru_cache(maxsize=4)
def _images(content: Content) -> list[tuple[str, list[Region]]]:
    """File name and regions of each image."""
    return _of_table(content) if content.syntax == "text" else _of_json(content)


def _of_json(content: Content) -> list[tuple[str, list[Region]]]:
    path, found = content.path, content.json
    entries = found.get(_PROJECT, found)
    if not isinstance(entries, dict):
        raise InputError(path, f"{_PROJECT!r} of {shown(entries)}", "an object")
    images = []
    for key, entry in entries.items():
        regions = entry.get("regions") if isinstance(entry, dict) else None
        if not isinstance(entry, dict) or not isinstance(entry.get("filename"), str):
            raise InputError(path, f"no filename in the entry {shown(key)}", "a filename for each image")
        if isinstance(regions, dict):  # VIA 1
            regions = list(regions.values())
        if not isinstance(regions, list):
            raise InputError(path, f"regions {shown(regions)} of {entry['filename']}", "a list or an object of regions")
        images.append(
            (
                entry["filename"],
                [_region(path, f"region {i} of {entry['filename']}", r) for i, r in enumerate(regions, start=1)],
            )
        )
    return images


def _region(path: Path, where: str, entry: object) -> Region:
    shape = entry.get("shape_attributes") if isinstance(entry, dict) else None
    if not isinstance(entry, dict) or not isinstance(shape, dict):
        raise InputError(path, f"no shape_attributes in {where}", "shape_attributes, an object")
    attributes = entry.get("region_attributes") or {}
    if not isinstance(attributes, dict):
        raise InputError(path, f"region_attributes {shown(attributes)} in {where}", "an object")
    return Region(where, shape, attributes)


def _of_table(content: Content) -> list[tuple[str, list[Region]]]:
    path = content.path
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # more fields than columns: a quote is missing
            table = pd.read_csv(StringIO(content.text), dtype=str, keep_default_na=False, index_col=False)
    except (ValueError, pd.errors.ParserWarning) as error:
        found = f"a file that cannot be read as a table: {shorten(str(error), 200)}"
        raise InputError(path, found, "a CSV export of VIA") from error
    table.columns = [str(c).strip().lstrip("#") for c in table.columns]
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        raise InputError(path, f"no column {', '.join(missing)}", f"the columns {', '.join(_COLUMNS)}")
    images: dict[str, list[Region]] = {}
    for number, row in enumerate(table.fillna("").to_dict("records"), start=1):
        regions = images.setdefault(row["filename"], [])
        if row["region_count"].strip() == "0":
            continue
        shape, attributes = (_object(path, f"row {number}", name, row[name]) for name in _COLUMNS[2:])
        regions.append(Region(f"row {number}", shape, attributes))
    return list(images.items())


def _object(path: Path, where: str, name: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text or "{}")
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise InputError(path, f"{name} {shown(text)} in {where}", "a JSON object")
    return value


def _is_via(content: Content) -> bool:
    if content.syntax == "text":
        first = content.start.split(b"\n", 1)[0]
        return b"region_shape_attributes" in first and b"filename" in first
    if content.is_object(_PROJECT):
        return True
    entries = list(content.json.values()) if content.is_object() else []
    return bool(entries) and all(isinstance(e, dict) and {"filename", "regions"} <= set(e) for e in entries)


ANNOTATIONS.register("via")(
    AnnotationFormat(
        "VIA JSON or CSV",
        (".json", ".csv"),
        _is_via,
        lambda content, place, *_: read_via(content, place),
        lambda content: [name for name, _ in _images(content)],
    )
)
