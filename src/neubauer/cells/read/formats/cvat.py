"""CVAT for images, XML in: one file for many images."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from xml.etree.ElementTree import Element

from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.run_lengths import pixels_of_runs
from neubauer.cells.read.shapes import Drawn, Shape, ellipse, mask, point, polygon, turned_box
from neubauer.cells.read.values import finite, image_size, numbers, points, shown
from neubauer.errors import InputError


def read_cvat(content: Content, place: int) -> Drawn:
    """Read what is marked in one image of a file "CVAT for images 1.1" (docs.cvat.ai, "XML annotation format").

    Polygons, boxes and ellipses (turned, too), masks, and points, each of which is a cell. The class is the `label`;
    other attributes, groups and the tags of whole images are left out. An image without shapes has no cells.

    Raises
    ------
    InputError : the file is of a video, or a shape is of another kind or broken.
    """
    image = _images(content)[place]
    name = image.get("name")
    shapes: list[Shape] = []
    for number, item in enumerate((i for i in image if i.tag != "tag"), start=1):
        shapes += _shapes(content.path, f"{item.tag} {number} of {name}", item)
    return Drawn(shapes, image_size(content.path, image.get("height"), image.get("width")))


def _shapes(path: Path, where: str, item: Element) -> Iterator[Shape]:
    name = (item.get("label") or "").strip()

    def values(*names: str) -> list[float]:
        return numbers(path, where, [(n, item.get(n)) for n in names])

    (degrees,) = numbers(path, where, [("rotation", item.get("rotation", "0"))])
    match item.tag:
        case "polygon":
            yield polygon(where, name, points(path, where, _pairs(item), 3))
        case "box":
            x0, y0, x1, y1 = values("xtl", "ytl", "xbr", "ybr")
            if x1 < x0 or y1 < y0:
                raise InputError(path, f"xbr or ybr below xtl or ytl in {where}", "a bottom right corner")
            yield turned_box(where, name, (y0, x0, y1, x1), degrees, ((y0 + y1) / 2, (x0 + x1) / 2))
        case "ellipse":
            cx, cy, rx, ry = values("cx", "cy", "rx", "ry")
            yield ellipse(where, name, (cy, cx), (ry, rx), degrees)
        case "points":
            yield from (point(where, name, y, x) for y, x in points(path, where, _pairs(item), 1))
        case "mask":
            left, top, width, height = (int(v) for v in values("left", "top", "width", "height"))
            counts = [finite(n) for n in (item.get("rle") or "").split(",")]
            whole = [int(n) for n in counts if n is not None and n.is_integer()]
            if len(whole) < len(counts) or min(width, height) < 0:
                raise InputError(path, f"the rle {shown(item.get('rle'))} in {where}", "run lengths, by commas")
            yield mask(where, name, (top, left), pixels_of_runs(path, where, whole, (height, width)))
        case _:
            raise InputError(path, f"a <{item.tag}>: {where}", "polygon, box, ellipse, points or mask")


def _pairs(item: Element) -> list[list[str]]:
    return [pair.split(",") for pair in (item.get("points") or "").split(";") if pair.strip()]


@lru_cache(maxsize=4)
def _images(content: Content) -> list[Element]:
    root = content.xml
    expected = "CVAT for images 1.1: <annotations> with an <image> of name, width and height for each image"
    if root.find("track") is not None:
        raise InputError(content.path, "the tracks of a video", expected)
    images = root.findall("image")
    for number, image in enumerate(images, start=1):
        if not image.get("name"):
            raise InputError(content.path, f"no name of image {number}", expected)
    return images


ANNOTATIONS.register("cvat")(
    AnnotationFormat(
        "CVAT XML",
        (".xml",),
        lambda content: content.is_xml("annotations"),
        lambda content, place, *_: read_cvat(content, place),
        lambda content: [str(image.get("name")) for image in _images(content)],
    )
)
