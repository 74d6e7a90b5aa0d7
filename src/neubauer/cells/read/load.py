"""One entrance for the annotations of all kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from neubauer.cells.annotation import Annotation, Kind
from neubauer.cells.read.dots import read_dots
from neubauer.cells.read.marks import read_drawn, read_marks
from neubauer.cells.read.masks import read_masks
from neubauer.cells.read.match import find_ignore
from neubauer.cells.read.pixels import LOSSLESS, LOSSY, read_ignore


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
    kind : masks, boxes or points; of a file that says less, such as points where masks are wanted, what it says.
    shape : (Y, X) of the image.
    classes : the classes of the data set, for example all that `named_classes` finds; by default those of this file.

    Raises
    ------
    InputError : see `read_masks`, `read_dots` and `read_marks`.
    """
    image, annotation = Path(image), Path(annotation)
    names = None if classes is None else tuple(classes)
    if kind == "boxes" or annotation.suffix.lower() not in LOSSLESS + LOSSY:
        marks = read_marks(annotation, kind, shape, names, image)
    elif kind == "masks":
        marks = read_masks(annotation, shape, classes=names)
    else:
        marks = read_dots(annotation, shape, names)
    path = find_ignore(image, annotation)
    if path is None:
        return marks
    region = read_ignore(path, shape)
    return replace(marks, ignore=region if marks.ignore is None else marks.ignore | region)


def named_classes(image: Path, annotation: Path, classes: Sequence[str] | None = None) -> set[str]:
    """The classes that one annotation names; none where it says nothing of classes.

    Parameters
    ----------
    image, annotation : files, as of `match_annotations`.
    classes : the list of classes for YOLO files that come without one.

    Raises
    ------
    InputError : the file cannot be read.
    """
    if annotation.suffix.lower() in LOSSLESS + LOSSY:
        return set()
    # only names are wanted, so that any shape will do for marks given as fractions
    drawn = read_drawn(annotation, image, (1, 1), tuple(classes) if classes else None)
    return {shape.name for shape in drawn.shapes} - {""}
