"""COCO JSON in: one file for many images."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, TypeGuard

import numpy as np

from neubauer.cells.read.marked_boxes import MarkedBoxes, finite, image_size, shown
from neubauer.cells.read.text import read_text
from neubauer.errors import InputError
from neubauer.images.stem import stem

_EXPECTED = "COCO JSON: an object with the lists images, annotations and categories"


def read_coco(path: Path, image: str | Path) -> MarkedBoxes:
    """Read the boxes of one image from a COCO JSON file.

    COCO boxes are `x, y, width, height` in pixels from the top left corner of the image (cocodataset.org, "Data
    format"). An annotation without one has the bounding box of the polygons of its `segmentation`. The box of a crowd
    (`iscrowd`: 1) is a region to ignore. An image that is listed without annotations has no cells.

    Parameters
    ----------
    path : the JSON file.
    image : file of the image; matched by file name, else by its stem.

    Raises
    ------
    InputError : the file is no COCO JSON, does not list the image once, or has a broken box or an unknown category.
    """
    coco = load_coco(path)
    entry = coco.entry(path, image)
    names: list[str] = []
    boxes: list[list[float]] = []
    ignore: list[list[float]] = []
    for mark in coco.annotations.get(entry["id"], []):
        where = f"in annotation {shown(mark.get('id'))}"
        box = _box(path, where, mark)
        crowd, category = mark.get("iscrowd"), mark.get("category_id")
        if crowd not in (None, 0, 1):
            raise InputError(path, f"iscrowd {shown(crowd)} {where}", "0 or 1")
        if crowd:
            ignore.append(box)
            continue
        if not _is_plain(category) or category not in coco.categories:
            raise InputError(
                path, f"category {shown(category)} {where}", f"one of {', '.join(map(shown, coco.categories))}"
            )
        names.append(coco.categories[category])
        boxes.append(box)
    size = image_size(path, entry.get("height"), entry.get("width"))
    return MarkedBoxes(
        names, np.array(boxes, np.float64).reshape(-1, 4), size, np.array(ignore, np.float64).reshape(-1, 4)
    )


def _box(path: Path, where: str, mark: dict[str, Any]) -> list[float]:
    """`y0, x0, y1, x1` of an annotation."""
    bbox, segmentation = mark.get("bbox"), mark.get("segmentation")
    if bbox not in (None, []):
        sides = _numbers(bbox)
        if len(sides) != 4 or min(sides[2:]) < 0:
            found = f"the bbox {shown(bbox)} {where}"
            raise InputError(path, found, "four numbers x, y, width, height, the last two not negative")
        x, y, w, h = sides
        return [y, x, y + h, x + w]
    expected = "a bbox, or polygons x1, y1, x2, y2, x3, y3 ... as segmentation"
    if isinstance(segmentation, dict):
        raise InputError(path, f"no bbox, and a segmentation in run-length encoding, {where}", expected)
    if segmentation in (None, []):
        raise InputError(path, f"neither bbox nor segmentation {where}", expected)
    polygons = [_numbers(p) for p in segmentation] if isinstance(segmentation, list) else [[]]
    if not all(len(p) >= 6 and len(p) % 2 == 0 for p in polygons):
        raise InputError(path, f"no bbox, and the segmentation {shown(segmentation)}, {where}", expected)
    xs, ys = ([v for p in polygons for v in p[start::2]] for start in (0, 1))
    return [min(ys), min(xs), max(ys), max(xs)]


def _numbers(values: object) -> list[float]:
    """The values of a list, or none at all if it is no list of finite numbers."""
    if not isinstance(values, list):
        return []
    numbers = [number for v in values if (number := finite(v)) is not None]
    return numbers if len(numbers) == len(values) else []


def _is_plain(value: object) -> TypeGuard[str | float]:
    """Whether a value is text or a number, which can be looked up."""
    return isinstance(value, str | int | float) and value == value  # NaN is not found again


def coco_lists(path: Path, image: Path) -> bool:
    """Whether a COCO JSON file lists this image."""
    return bool(load_coco(path).find(image))


def coco_images(path: Path) -> list[str]:
    """The file names of all images that a COCO JSON file lists."""
    return [str(entry["file_name"]) for entry in load_coco(path).images]


class Coco:
    """The content of a COCO file, by image."""

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
        self._by_name: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._by_stem: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for entry in self.images:
            name = PurePosixPath(str(entry["file_name"]).replace("\\", "/")).name
            self._by_name[name].append(entry)
            self._by_stem[stem(Path(name))].append(entry)

    def find(self, image: str | Path) -> list[dict[str, Any]]:
        return self._by_name.get(Path(image).name) or self._by_stem.get(stem(Path(image))) or []

    def entry(self, path: Path, image: str | Path) -> dict[str, Any]:
        found = self.find(image)
        if len(found) != 1:
            raise InputError(path, f"{Path(image).name} {len(found)} times among the images", "each image once")
        return found[0]


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


def load_coco(path: Path) -> Coco:
    """Read a COCO file, or have it at hand if it was read before and has not changed.

    Raises
    ------
    InputError : the file is no COCO JSON.
    """
    return _load(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=4)
def _load(path: Path, modified: int) -> Coco:
    text = read_text(path, _EXPECTED)
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(path, f"a file that cannot be read as JSON: {error}", _EXPECTED) from error
    except RecursionError as error:
        raise InputError(path, "JSON of too many lists or objects in each other", _EXPECTED) from error
    except ValueError as error:
        raise InputError(path, "JSON with a number of too many digits", _EXPECTED) from error
    return Coco(path, content)
