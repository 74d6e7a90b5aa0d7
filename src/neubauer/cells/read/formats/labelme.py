"""LabelMe JSON in: one file per image."""

from __future__ import annotations

import base64
import binascii
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.shapes import Drawn, Shape, box, ellipse, mask, point, polygon
from neubauer.cells.read.values import image_size, points, shown
from neubauer.errors import InputError


def read_labelme(content: Content) -> Drawn:
    """Read the shapes of a LabelMe file (github.com/wkentaro/labelme): polygons, rectangles, circles, points and masks.

    The class is the `label`. Polygons and masks of one label and one `group_id` are pieces of one cell, as in LabelMe's
    own converters. A circle is given by its centre and a point on it.

    Raises
    ------
    InputError : a shape is of another kind, or broken.
    """
    path, found = content.path, content.json
    if not isinstance(found["shapes"], list):
        raise InputError(path, f"'shapes' of {shown(found['shapes'])}", "a list")
    shapes: list[Shape] = []
    groups: dict[tuple[str, str], int] = {}
    for number, entry in enumerate(found["shapes"], start=1):
        where = f"shape {number}"
        if not isinstance(entry, dict):
            raise InputError(path, f"{shown(entry)} as {where}", "an object")
        shape = _shape(path, where, entry)
        if shape.kind == "outline" and shape.pixels is None and entry.get("group_id") is not None:
            place = groups.setdefault((shape.name, str(entry["group_id"])), len(shapes))
            if place < len(shapes):  # a further piece
                first = shapes[place]
                shapes[place] = Shape(first.where, first.name, "outline", first.rings + shape.rings)
                continue
        shapes.append(shape)
    return Drawn(shapes, image_size(path, found.get("imageHeight"), found.get("imageWidth")))


def _shape(path: Path, where: str, entry: dict[str, Any]) -> Shape:
    label, kind = entry.get("label"), entry.get("shape_type") or "polygon"  # early versions knew nothing else
    if not isinstance(kind, str):
        raise InputError(path, f"the shape_type {shown(kind)} of {where}", "text")
    name = "" if label is None else str(label).strip()
    places = points(path, where, entry.get("points"), {"point": 1, "polygon": 3}.get(kind, 2))
    match kind:
        case "polygon":
            return polygon(where, name, places)
        case "rectangle":  # two corners, in newer versions four
            return box(where, name, *places.min(0), *places.max(0))
        case "circle":
            radius = float(np.hypot(*(places[1] - places[0])))
            return ellipse(where, name, (places[0, 0], places[0, 1]), (radius, radius))
        case "point":
            return point(where, name, *places[0])
        case "mask":
            y, x = np.rint(places.min(0)).astype(int)
            return mask(where, name, (int(y), int(x)), _pixels(path, where, entry.get("mask")))
    raise InputError(path, f"a {shown(kind)} as {where}", "polygon, rectangle, circle, point or mask")


def _pixels(path: Path, where: str, text: object) -> np.ndarray:
    """(h, w) bool of a PNG in base64."""
    try:
        with Image.open(BytesIO(base64.b64decode(str(text), validate=True))) as image:
            return np.array(image.convert("L")) > 0
    except (binascii.Error, OSError, SyntaxError, ValueError) as error:
        raise InputError(path, f"the mask {shown(text)} in {where}", "a PNG in base64") from error


ANNOTATIONS.register("labelme")(
    AnnotationFormat(
        "LabelMe JSON",
        (".json",),
        lambda content: content.is_object("shapes"),
        lambda content, *_: read_labelme(content),
    )
)
