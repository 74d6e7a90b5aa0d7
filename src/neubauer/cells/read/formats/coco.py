"""COCO JSON in: one file for many images."""

from __future__ import annotations

from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeGuard

import numpy as np

from neubauer.cells.read.content import Content, load_content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.run_lengths import coco_counts, pixels_of_runs
from neubauer.cells.read.shapes import Drawn, Shape, mask, polygon
from neubauer.cells.read.values import finite, image_size, shown
from neubauer.errors import InputError

_EXPECTED = "COCO JSON: an object with the lists images, annotations and categories"
_SHAPE = "a bbox, or polygons x1, y1, x2, y2, x3, y3 ... or run lengths as segmentation"


class Coco:
    """The content of a COCO file: its images, the names of the categories, and the annotations of each image by id."""

    def __init__(self, path: Path, content: object) -> None:
        self.images = _entries(path, content, "images", "id", "file_name")
        self.categories = {c["id"]: str(c["name"]) for c in _entries(path, content, "categories", "id", "name")}
        times = Counter(entry["id"] for entry in self.images)
        if len(times) < len(self.images):  # whose the annotations are would be a guess
            found = f"several images of id {shown(times.most_common(1)[0][0])}"
            raise InputError(path, found, "one image for each id")
        self.annotations: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for mark in _entries(path, content, "annotations", "image_id"):
            self.annotations[mark["image_id"]].append(mark)


def load_coco(path: Path) -> Coco:
    """Read a COCO file, or have it at hand if it was read before and has not changed.

    Raises
    ------
    InputError : the file is no COCO JSON.
    """
    return _coco(load_content(path))


@lru_cache(maxsize=4)
def _coco(content: Content) -> Coco:
    return Coco(content.path, content.json)


def read_coco(content: Content, place: int) -> Drawn:
    """Read what is marked in one image of a COCO JSON file.

    The shape of an annotation is its `segmentation` (polygons, or run lengths, plain or compressed), else its `bbox`:
    `x, y, width, height` in pixels from the top left corner of the image (cocodataset.org, "Data format"). Where boxes
    are wanted, that is the `bbox` if there is one. A crowd (`iscrowd`: 1) is a region to ignore. An image that is
    listed without annotations has no cells.

    Parameters
    ----------
    content : the JSON file.
    place : of the image among the images of the file.

    Raises
    ------
    InputError : the file is no COCO JSON, or has a broken shape or an unknown category.
    """
    path, coco = content.path, _coco(content)
    entry = coco.images[place]
    size = image_size(path, entry.get("height"), entry.get("width"))
    shapes: list[Shape] = []
    ignore: list[Shape] = []
    for mark in coco.annotations.get(entry["id"], []):
        where = f"annotation {shown(mark.get('id'))}"
        crowd, category = mark.get("iscrowd"), mark.get("category_id")
        if crowd not in (None, 0, 1):
            raise InputError(path, f"iscrowd {shown(crowd)} in {where}", "0 or 1")
        if crowd:
            ignore.append(_shape(path, where, "", mark))
            continue
        if not _is_plain(category) or category not in coco.categories:
            raise InputError(
                path, f"category {shown(category)} in {where}", f"one of {', '.join(map(shown, coco.categories))}"
            )
        shapes.append(_shape(path, where, coco.categories[category], mark))
    return Drawn(shapes, size, ignore)


def _shape(path: Path, where: str, name: str, mark: dict[str, Any]) -> Shape:
    bbox, segmentation = mark.get("bbox"), mark.get("segmentation")
    sides = None
    if bbox not in (None, []):
        values = _numbers(bbox)
        if len(values) != 4 or min(values[2:]) < 0:
            found = f"the bbox {shown(bbox)} in {where}"
            raise InputError(path, found, "four numbers x, y, width, height, the last two not negative")
        x, y, w, h = values
        sides = (y, x, y + h, x + w)
    if segmentation in (None, [], {}):
        if sides is None:
            raise InputError(path, f"neither bbox nor segmentation in {where}", _SHAPE)
        return Shape(where, name, "box", (np.array(sides).reshape(2, 2),))
    if isinstance(segmentation, dict):
        outline = mask(where, name, (0, 0), _runs(path, where, segmentation))
    else:
        rings = [_numbers(p) for p in segmentation] if isinstance(segmentation, list) else [[]]
        if not all(len(p) >= 6 and len(p) % 2 == 0 for p in rings):
            raise InputError(path, f"the segmentation {shown(segmentation)} in {where}", _SHAPE)
        outline = polygon(where, name, *(np.array(p).reshape(-1, 2)[:, ::-1] for p in rings))
    return Shape(where, name, "outline", outline.rings, outline.pixels, sides)


def _runs(path: Path, where: str, segmentation: dict[str, Any]) -> np.ndarray:
    counts, size = segmentation.get("counts"), _numbers(segmentation.get("size"))
    if len(size) != 2 or not all(side.is_integer() and side >= 0 for side in size):
        raise InputError(path, f"run lengths of the size {shown(segmentation.get('size'))} in {where}", _SHAPE)
    if isinstance(counts, str):
        try:
            counts = coco_counts(counts)
        except ValueError as error:
            raise InputError(path, f"compressed run lengths in {where}, broken: {error}", _SHAPE) from error
    if not isinstance(counts, list) or not all(isinstance(n, int) and abs(n) < 2**31 for n in counts):
        raise InputError(path, f"run lengths {shown(counts)} in {where}", _SHAPE)
    return pixels_of_runs(path, where, counts, (int(size[0]), int(size[1])), by_columns=True)


def _numbers(values: object) -> list[float]:
    """The values of a list, or none at all if it is no list of finite numbers."""
    if not isinstance(values, list):
        return []
    numbers = [number for v in values if (number := finite(v)) is not None]
    return numbers if len(numbers) == len(values) else []


def _is_plain(value: object) -> TypeGuard[str | float]:
    """Whether a value is text or a number, which can be looked up."""
    return isinstance(value, str | int | float) and value == value  # NaN is not found again


def _entries(path: Path, content: object, name: str, *keys: str) -> list[dict[str, Any]]:
    """One of the lists of a COCO file, of objects that all have the given keys."""
    if not isinstance(content, dict):
        raise InputError(path, f"JSON of {shown(content)}", _EXPECTED)
    if name not in content:
        raise InputError(path, f"JSON without {name!r}", _EXPECTED)
    if not isinstance(content[name], list):
        raise InputError(path, f"{name!r} of {shown(content[name])}", _EXPECTED)
    for number, entry in enumerate(content[name], start=1):
        if not isinstance(entry, dict):
            raise InputError(path, f"{shown(entry)} as entry {number} of {name!r}", _EXPECTED)
        for key in keys:
            if not _is_plain(entry.get(key)):
                found = f"{key} {shown(entry[key])}" if key in entry else f"no {key}"
                raise InputError(path, f"{found} in entry {number} of {name!r}", f"a number or text as {key}")
    return content[name]


ANNOTATIONS.register("coco")(
    AnnotationFormat(
        "COCO JSON",
        (".json",),
        lambda content: content.is_object("images") or content.is_object("annotations", "categories"),
        lambda content, place, *_: read_coco(content, place),
        lambda content: [str(entry["file_name"]) for entry in _coco(content).images],
    )
)
