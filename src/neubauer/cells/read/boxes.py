"""Bounding boxes in: Pascal VOC XML, YOLO text and COCO JSON."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np

from neubauer.cells.annotation import Annotation
from neubauer.cells.read.class_names import index_classes
from neubauer.cells.read.coco import read_coco
from neubauer.cells.read.marked_boxes import MarkedBoxes
from neubauer.cells.read.voc import read_voc
from neubauer.cells.read.yolo import read_yolo
from neubauer.errors import InputError

log = logging.getLogger(__name__)


def read_marked_boxes(
    path: Path, image: str | Path, shape: tuple[int, int] | None, classes: tuple[str, ...] | None
) -> MarkedBoxes:
    """Read a file of boxes with the reader that its name ends for (.xml, .txt, .json)."""
    match path.suffix.lower():
        case ".xml":
            return read_voc(path)
        case ".txt":
            return read_yolo(path, shape, classes)
        case ".json":
            return read_coco(path, image)
    raise InputError(
        path, f"a file of type {path.suffix or '(none)'}", "boxes as .xml (VOC), .txt (YOLO), .json (COCO)"
    )


def read_boxes(
    path: str | Path,
    shape: tuple[int, int] | None = None,
    classes: tuple[str, ...] | None = None,
    image: str | Path | None = None,
) -> Annotation:
    """Read the bounding boxes of one image.

    Boxes that reach beyond the image are cut at its edge. Boxes without area are dropped, with a warning in the log.
    The conventions of the formats are in `read_voc`, `read_yolo` and `read_coco`.

    Parameters
    ----------
    path : Pascal VOC XML, YOLO text or COCO JSON.
    shape : (Y, X) of the image; YOLO files cannot do without, in the others it is checked.
    classes : the classes of the data set; by default those of the file, in alphabetical order.
    image : file of the image, to find it in a COCO file; by default it has the stem of `path`.

    Raises
    ------
    InputError : the file cannot be read, is for an image of another size, or holds a box that is broken, lies outside
        of the image, or has a class that is not one of `classes`.
    """
    path = Path(path)
    marked = read_marked_boxes(path, image if image is not None else path.stem, shape, classes)
    if shape is None:
        if marked.size is None:
            raise InputError(path, "no size of the image", "the size in the file, or the image with it")
        shape = marked.size
    elif marked.size is not None and tuple(shape) != marked.size:
        found = f"boxes for an image of {marked.size[0]} x {marked.size[1]} pixels (Y x X)"
        raise InputError(path, found, f"{shape[0]} x {shape[1]} as the image has")

    boxes = marked.boxes
    has_area = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    if not has_area.all():
        log.warning("%s: dropped %d of %d boxes, which have no area", path, (~has_area).sum(), len(boxes))
    height, width = shape
    outside = (boxes[:, 0] >= height) | (boxes[:, 1] >= width) | (boxes[:, 2] <= 0) | (boxes[:, 3] <= 0)
    if (outside & has_area).any():
        raise InputError(
            path,
            f"box {_first(outside & has_area)} outside of the image",
            f"boxes within {height} x {width} pixels (Y x X)",
        )
    class_index, classes = index_classes(path, marked.names, classes)
    limits = np.array([height, width, height, width], np.float64)
    boxes = np.clip(boxes[has_area], 0, limits)

    ignore = np.zeros(shape, bool) if len(marked.ignore) else None
    if ignore is not None:
        for y0, x0, y1, x1 in np.clip(marked.ignore, 0, limits):
            ignore[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
    return Annotation(
        kind="boxes",
        shape=(height, width),
        classes=classes,
        class_index=class_index[has_area],
        centres=(boxes[:, :2] + boxes[:, 2:]) / 2 - 0.5,  # pixel centres have whole coordinates, as in masks
        boxes=boxes,
        ignore=ignore,
    )


def _first(mask: np.ndarray) -> int:
    return int(np.flatnonzero(mask)[0]) + 1
