"""One entrance for the annotations of all kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from neubauer.cells.annotation import Annotation, Kind
from neubauer.cells.read.boxes import read_boxes, read_marked_boxes
from neubauer.cells.read.masks import read_masks
from neubauer.cells.read.match import find_ignore
from neubauer.cells.read.pixels import read_ignore
from neubauer.cells.read.points import TABLES, read_point_table, read_points


def load_annotation(
    image: str | Path,
    annotation: str | Path,
    kind: Kind,
    shape: tuple[int, int],
    classes: Sequence[str] | None = None,
) -> Annotation:
    """Read the annotation of one image, with its ignore region if there is a file `<stem>_ignore.png` beside it.

    Parameters
    ----------
    image : file of the image (only its name is used).
    annotation : file of the annotation, as `match_annotations` has found it.
    kind : masks, boxes or points.
    shape : (Y, X) of the image.
    classes : the classes of the data set, for example all that `named_classes` finds; by default those of this file.

    Raises
    ------
    InputError : see `read_masks`, `read_boxes` and `read_points`.
    """
    image, annotation = Path(image), Path(annotation)
    names = None if classes is None else tuple(classes)
    match kind:
        case "masks":
            marks = read_masks(annotation, shape, classes=names)
        case "boxes":
            marks = read_boxes(annotation, shape, names, image)
        case "points":
            marks = read_points(annotation, shape, names)
    path = find_ignore(image, annotation)
    if path is None:
        return marks
    region = read_ignore(path, shape)
    return replace(marks, ignore=region if marks.ignore is None else marks.ignore | region)


def named_classes(image: Path, annotation: Path, kind: Kind, classes: Sequence[str] | None = None) -> set[str]:
    """The classes that one annotation names; none where it says nothing of classes.

    Parameters
    ----------
    image, annotation : files, as of `match_annotations`.
    kind : masks, boxes or points.
    classes : the list of classes for YOLO files that come without one.

    Raises
    ------
    InputError : the file cannot be read.
    """
    names: Iterable[str] = ()
    if kind == "boxes":
        # only names are wanted, so that any shape will do for boxes given as fractions
        names = read_marked_boxes(annotation, image, (1, 1), tuple(classes) if classes else None).names
    elif kind == "points" and annotation.suffix.lower() in TABLES:
        names = read_point_table(annotation)[1]
    return set(names) - {""}
