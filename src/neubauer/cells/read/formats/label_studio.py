"""Label Studio JSON in: one file for many images."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.shapes import Drawn, Shape, ellipse, point, polygon, turned_box
from neubauer.cells.read.values import image_size, numbers, points, shown
from neubauer.errors import InputError
from neubauer.images.readers.registry import suffixes

_OF_IMAGE = ("labels", "choices", "textarea", "rating", "taxonomy", "number", "datetime", "relation", "pairwise")
"""Results that draw nothing: they say something about the image, or of which class a shape is."""
_SAME_RATIO = 0.01


@dataclass(frozen=True)
class Task:
    """A task that somebody has worked on: how messages name it, the address of its image, and its results."""

    where: str
    image: str
    results: list[Any]


def read_label_studio(content: Content, place: int, shape: tuple[int, int] | None) -> Drawn:
    """Read what is marked in one image of a JSON export of Label Studio (labelstud.io, "Label Studio JSON format").

    Rectangles (turned about their top left corner, as Label Studio does it), polygons, ellipses and key points, in
    percent of the image; so that the image may have been uploaded in another size. The class is that of the labels tag.
    An annotation without results is an image without cells; a task without annotation, or one that was skipped, is no
    image of the file.

    Parameters
    ----------
    content : the JSON file.
    place : of the image among the annotated images of the file.
    shape : (Y, X) of the image; by default as it was uploaded.

    Raises
    ------
    InputError : a result is broken or of another kind (brush strokes are), or the image has another shape.
    """
    path, task = content.path, _tasks(content)[place]
    labels = {str(r.get("id")): r for r in task.results if isinstance(r, dict) and r.get("type") == "labels"}
    size = shape
    shapes: list[Shape] = []
    for number, result in enumerate(task.results, start=1):
        where = f"result {number} of {task.where}"
        if not isinstance(result, dict):
            raise InputError(path, f"{shown(result)} as {where}", "an object")
        kind = str(result.get("type", ""))
        if kind in _OF_IMAGE:
            continue
        told = image_size(path, result.get("original_height"), result.get("original_width"))
        size = size or told
        if size is None:
            raise InputError(path, f"no original_width and original_height in {where}", "both, or the image")
        if shape not in (None, (1, 1)) and told and abs(told[0] * size[1] / (told[1] * size[0]) - 1) > _SAME_RATIO:
            found = f"an image of {told[0]} x {told[1]} pixels (Y x X) in {where}"
            raise InputError(path, found, f"the proportions of {size[0]} x {size[1]}, as the image has")
        if result.get("image_rotation"):
            raise InputError(path, f"an image that is turned by {shown(result['image_rotation'])} in {where}", "0")
        value = result.get("value")
        if not isinstance(value, dict):
            raise InputError(path, f"the value {shown(value)} in {where}", "an object")
        name = _name(path, where, kind, value, labels.get(str(result.get("id")), {}).get("value"))
        shapes.append(_shape(path, where, kind.removesuffix("labels"), name, value, size))
    return Drawn(shapes, size)


def _shape(path: Path, where: str, kind: str, name: str, value: dict[str, Any], size: tuple[int, int]) -> Shape:
    unit = np.array(size) / 100
    if kind == "polygon":
        return polygon(where, name, points(path, where, value.get("points"), 3) * unit)
    known = {"rectangle": ("width", "height"), "ellipse": ("radiusX", "radiusY"), "keypoint": ()}
    if kind == "brush":
        raise InputError(path, f"brush strokes in {where}", "polygons, rectangles, ellipses or key points")
    if kind not in known:
        raise InputError(path, f"the type {shown(kind)} of {where}", "polygon, rectangle, ellipse or keypoint")
    given = [(key, value.get(key)) for key in ("x", "y", *known[kind])]
    x, y, *extent = numbers(path, where, given)
    (degrees,) = numbers(path, where, [("rotation", value.get("rotation") or 0)])
    x, y = x * unit[1], y * unit[0]
    if kind == "keypoint":
        return point(where, name, y, x)
    half = (extent[1] * unit[0], extent[0] * unit[1])
    if kind == "ellipse":
        return ellipse(where, name, (y, x), half, degrees)
    return turned_box(where, name, (y, x, y + half[0], x + half[1]), degrees, (y, x))


def _name(path: Path, where: str, kind: str, value: dict[str, Any], labels: object) -> str:
    """The label of a shape, in its own value or in that of the result `labels` of the same id; "" for none."""
    found = value.get(kind) if kind.endswith("labels") else None
    if found is None and isinstance(labels, dict):
        found = labels.get("labels")
    names = [str(n).strip() for n in found] if isinstance(found, list) else []
    if len(names) > 1:
        raise InputError(path, f"the labels {', '.join(map(shown, names))} of {where}", "one label")
    return names[0] if names else ""


@lru_cache(maxsize=4)
def _tasks(content: Content) -> list[Task]:
    """The annotated tasks."""
    return list(_annotated(content.path, content.json))


def _annotated(path: Path, tasks: list[dict[str, Any]]) -> Iterator[Task]:
    for number, task in enumerate(tasks, start=1):
        where = f"task {shown(task.get('id', number))}"
        given = task.get("annotations", task.get("completions"))
        if not isinstance(given, list) or not all(isinstance(a, dict) for a in given):
            raise InputError(path, f"the annotations {shown(given)} of {where}", "a list of objects")
        done = [a for a in given if not a.get("was_cancelled")]
        chosen = [a for a in done if a.get("ground_truth")] if len(done) > 1 else done
        if len(done) > 1 and len(chosen) != 1:
            found = f"{len(done)} annotations of {where}, {len(chosen)} of them ground truth"
            raise InputError(path, found, "one annotation, or one that is the ground truth")
        for annotation in chosen:
            results = annotation.get("result")
            if not isinstance(results, list):
                raise InputError(path, f"the result {shown(results)} of {where}", "a list")
            yield Task(where, _address(path, where, task), results)


def _address(path: Path, where: str, task: dict[str, Any]) -> str:
    """Where the image of a task is: the text in its data that is called `image`, or ends as an image does."""
    data = task["data"]
    texts = {key: value for key, value in data.items() if isinstance(value, str)} if isinstance(data, dict) else {}
    if "image" in texts:
        return texts["image"]
    images = [value for value in texts.values() if value.lower().endswith(suffixes())]
    if len(images) != 1:
        raise InputError(path, f"{len(images)} images in the data of {where}: {shown(data)}", "one image")
    return images[0]


def _is_label_studio(content: Content) -> bool:
    if content.syntax != "json" or not isinstance(content.json, list) or not content.json:
        return False
    return all(isinstance(t, dict) and "data" in t and ("annotations" in t or "completions" in t) for t in content.json)


ANNOTATIONS.register("label-studio")(
    AnnotationFormat(
        "Label Studio JSON",
        (".json",),
        _is_label_studio,
        lambda content, place, shape, _: read_label_studio(content, place, shape),
        lambda content: [task.image for task in _tasks(content)],
    )
)
