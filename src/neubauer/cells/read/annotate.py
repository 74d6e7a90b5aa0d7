"""Shapes of an image as they are drawn -> its annotation: masks, boxes or points."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neubauer.cells.annotation import Annotation, Kind
from neubauer.cells.convert import labels_to_points
from neubauer.cells.read.class_names import index_classes
from neubauer.cells.read.raster import inside, union
from neubauer.cells.read.shapes import Drawn, Shape
from neubauer.errors import InputError

log = logging.getLogger(__name__)

Size = tuple[int, int]
_ORDER: tuple[Kind, ...] = ("points", "boxes", "masks")
"""From the least that a mark says to the most."""
_MOST: dict[str, Kind] = {"outline": "masks", "box": "boxes", "point": "points"}


def annotation_of(
    path: Path, drawn: Drawn, kind: Kind, size: Size | None, classes: tuple[str, ...] | None
) -> Annotation:
    """What is drawn in an image as masks, boxes or points.

    Outlines become what is asked for: masks have the pixels whose centres lie inside (of overlapping ones the smaller
    is on top), boxes are those around, points the centres. A box or a point says less than an outline: where one is
    among the shapes, all of them are read as boxes, or as points. What has no area, or is covered by others altogether,
    is dropped. Both with a warning in the log. What reaches beyond the image is cut at its edge.

    Parameters
    ----------
    path : the file that it is from.
    drawn : the shapes.
    kind : the most that is wanted.
    size : (Y, X) of the image; by default that in the file.
    classes : the classes of the data set; by default those of the shapes, in alphabetical order.

    Raises
    ------
    InputError : the file is for an image of another size, a shape lies outside of the image, or has a class that is
        not one of `classes`.
    """
    size = _size(path, drawn.size, size)
    kind = _least(path, drawn.shapes, kind)
    shapes = _with_area(path, drawn.shapes, kind)
    _check_inside(path, shapes, size)
    ignore = union(drawn.ignore, size) if drawn.ignore else None
    if drawn.regions:
        outside = ~union(drawn.regions, size)
        ignore = outside if ignore is None else ignore | outside
    labels, boxes = None, None
    if kind == "masks":
        labels, shapes = _labels(path, shapes, size)
        centres = labels_to_points(labels)
    elif kind == "boxes":
        boxes = np.clip(np.array([s.bounds for s in shapes], np.float64).reshape(-1, 4), 0, [*size, *size])
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5  # pixel centres have whole coordinates, as in masks
    else:
        centres = np.array([_centre(s, size) for s in shapes], np.float64).reshape(-1, 2)
        centres = np.clip(centres, 0, np.array(size) - 1)
    class_index, classes = index_classes(path, [s.name for s in shapes], classes)
    return Annotation(kind, size, classes, class_index, centres, boxes, labels, ignore)


def _size(path: Path, told: Size | None, given: Size | None) -> Size:
    if given is None:
        if told is None:
            raise InputError(path, "no size of the image", "the size in the file, or the image with it")
        return told
    if told is not None and tuple(given) != told:
        found = f"marks of an image of {told[0]} x {told[1]} pixels (Y x X)"
        raise InputError(path, found, f"{given[0]} x {given[1]} as the image has")
    return given[0], given[1]


def _least(path: Path, shapes: Sequence[Shape], wanted: Kind) -> Kind:
    """The kind that every shape can be read as, up to the one that is wanted."""
    if not shapes:
        return wanted
    poorest = min(shapes, key=lambda shape: _ORDER.index(_MOST[shape.kind]))
    kind = _MOST[poorest.kind]
    if _ORDER.index(kind) >= _ORDER.index(wanted):
        return wanted
    log.warning("%s: %s is a %s, so that all is read as %s, not %s", path, poorest.where, poorest.kind, kind, wanted)
    return kind


def _with_area(path: Path, shapes: Sequence[Shape], kind: Kind) -> list[Shape]:
    kept = [s for s in shapes if s.kind == "point" or (s.bounds[2] > s.bounds[0] and s.bounds[3] > s.bounds[1])]
    _tell_dropped(path, len(shapes) - len(kept), len(shapes), "boxes" if kind == "boxes" else "shapes", "have no area")
    return kept


def _tell_dropped(path: Path, dropped: int, of: int, what: str, why: str) -> None:
    if dropped:
        log.warning("%s: dropped %d of %d %s, which %s", path, dropped, of, what, why)


def _check_inside(path: Path, shapes: Sequence[Shape], size: Size) -> None:
    """Points may lie half a pixel outside: programs that count from the corner of a pixel put those at the edge so."""
    height, width = size
    out: list[Shape] = []
    for shape in shapes:
        y0, x0, y1, x1 = shape.bounds
        if shape.kind == "point":
            if not (-0.5 <= y0 <= height + 0.5 and -0.5 <= x0 <= width + 0.5):
                out.append(shape)
        elif y0 >= height or x0 >= width or y1 <= 0 or x1 <= 0:
            raise InputError(path, f"{shape.where} outside of the image", f"{height} x {width} pixels (Y x X)")
    if out:
        y, x = out[0].rings[0][0] - 0.5
        found = f"{len(out)} points outside of the image, the first in {out[0].where} at y={y:g}, x={x:g}"
        raise InputError(path, found, f"0 <= y < {height} and 0 <= x < {width}, in pixels")


def _labels(path: Path, shapes: Sequence[Shape], size: Size) -> tuple[np.ndarray, list[Shape]]:
    """Label image of the outlines, and those that are in it, in the order of their labels."""
    drawn = [(shape, *inside(shape, size)) for shape in shapes]
    area = np.array([pixels.sum() for _, _, pixels in drawn], np.int64)
    _tell_dropped(path, int((area == 0).sum()), len(drawn), "shapes", "have no area")
    labels = np.zeros(size, np.int32)
    for i in np.argsort(-area, kind="stable"):
        _, window, pixels = drawn[i]
        labels[window][pixels] = i + 1
    seen = np.bincount(labels.ravel(), minlength=len(drawn) + 1) > 0
    seen[0] = False
    covered = [s.where for (s, *_), there, n in zip(drawn, seen[1:], area, strict=True) if n and not there]
    _tell_dropped(path, len(covered), len(drawn), "shapes", f"others cover ({', '.join(covered[:3])})")
    return np.cumsum(seen, dtype=np.int32)[labels] * (labels > 0), [
        s for (s, *_), there in zip(drawn, seen[1:], strict=True) if there
    ]


def _centre(shape: Shape, size: Size) -> tuple[float, float]:
    """`y, x` of the middle, from that of the top left pixel."""
    if shape.kind == "outline":
        window, pixels = inside(shape, size)
        y, x = np.nonzero(pixels)
        if len(y):
            return float(y.mean()) + window[0].start, float(x.mean()) + window[1].start
    y0, x0, y1, x1 = shape.bounds
    return (y0 + y1) / 2 - 0.5, (x0 + x1) / 2 - 0.5
