"""One entrance for the annotations of all kinds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from neubauer.cells.annotation import Annotation, Kind
from neubauer.cells.match import find_ignore
from neubauer.cells.pixels import read_ignore
from neubauer.cells.read_boxes import read_boxes, read_marked_boxes
from neubauer.cells.read_masks import read_masks
from neubauer.cells.read_points import TABLES, read_point_table, read_points


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
    classes : the classes of the data set, as of `discover_classes`; by default those of this file.

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


def discover_classes(
    pairs: Iterable[tuple[Path, Path]], kind: Kind, classes: Sequence[str] | None = None
) -> tuple[str, ...]:
    """Collect the classes that occur in a data set, in alphabetical order; `("cell",)` where there are none.

    Parameters
    ----------
    pairs : images and annotations, as of `match_annotations`.
    kind : masks, boxes or points.
    classes : the list of classes for YOLO files that come without one.

    Raises
    ------
    InputError : a file cannot be read.
    """
    names: set[str] = set()
    for image, path in pairs:
        if kind == "boxes":
            # only names are wanted, so that any shape will do for boxes given as fractions
            names.update(read_marked_boxes(path, image, (1, 1), tuple(classes) if classes else None).names)
        elif kind == "points" and path.suffix.lower() in TABLES:
            names.update(read_point_table(path)[1])
    return tuple(sorted(names - {""})) or ("cell",)
