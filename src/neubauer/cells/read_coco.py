"""COCO JSON in: one file for many images."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from neubauer.cells.marked_boxes import MarkedBoxes
from neubauer.errors import InputError
from neubauer.images.find import stem

_EXPECTED = "COCO JSON: an object with the lists images, annotations and categories"


def read_coco(path: Path, image: str | Path) -> MarkedBoxes:
    """Read the boxes of one image from a COCO JSON file.

    COCO boxes are `x, y, width, height` in pixels from the top left corner of the image (cocodataset.org, "Data
    format"). The box of a crowd (`iscrowd`: 1) is a region to ignore. An image that is listed without annotations has
    no cells.

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
    for mark in coco.annotations.get(entry.get("id"), []):
        try:
            x, y, w, h = (float(v) for v in mark["bbox"])
        except (KeyError, TypeError, ValueError):
            found = f"the bbox {mark.get('bbox')!r} in annotation {mark.get('id')}"
            raise InputError(path, found, "four numbers x, y, width, height") from None
        box = [y, x, y + h, x + w]
        if mark.get("iscrowd"):
            ignore.append(box)
            continue
        if mark.get("category_id") not in coco.categories:
            found = f"category {mark.get('category_id')!r} in annotation {mark.get('id')}"
            raise InputError(path, found, f"one of {sorted(coco.categories)}")
        names.append(coco.categories[mark["category_id"]])
        boxes.append(box)
    height, width = entry.get("height"), entry.get("width")
    size = (int(height), int(width)) if height and width else None
    return MarkedBoxes(
        names, np.array(boxes, np.float64).reshape(-1, 4), size, np.array(ignore, np.float64).reshape(-1, 4)
    )


def coco_lists(path: Path, image: Path) -> bool:
    """Whether a COCO JSON file lists this image."""
    return bool(load_coco(path).find(image))


def coco_images(path: Path) -> list[str]:
    """The file names of all images that a COCO JSON file lists."""
    return [str(entry["file_name"]) for entry in load_coco(path).images]


class Coco:
    """The content of a COCO file, by image."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.images: list[dict[str, Any]] = content["images"]
        self.categories = {c["id"]: str(c["name"]) for c in content["categories"]}
        self.annotations: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for mark in content["annotations"]:
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


def load_coco(path: Path) -> Coco:
    """Read a COCO file, or have it at hand if it was read before and has not changed.

    Raises
    ------
    InputError : the file is no COCO JSON.
    """
    return _load(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=4)
def _load(path: Path, modified: int) -> Coco:
    try:
        return Coco(json.loads(path.read_text(encoding="utf-8-sig")))
    except (KeyError, TypeError) as error:
        raise InputError(path, f"JSON without {error}", _EXPECTED) from error
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(path, f"a file that cannot be read as JSON: {error}", _EXPECTED) from error
