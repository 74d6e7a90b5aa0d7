"""Files in which people have marked cells, in any of the formats, to the annotation of one image."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from neubauer.cells.annotation import Annotation, Kind
from neubauer.cells.read.annotate import annotation_of
from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import AnnotationFormat, recognise
from neubauer.cells.read.image_names import ImageNames
from neubauer.cells.read.shapes import Drawn
from neubauer.errors import InputError


def read_marks(
    path: str | Path,
    kind: Kind,
    shape: tuple[int, int] | None = None,
    classes: tuple[str, ...] | None = None,
    image: str | Path | None = None,
) -> Annotation:
    """Read the marks of one image from a file in any format but that of label and dot images.

    The formats are those of `ANNOTATIONS`; which one it is, is told by the content.

    Parameters
    ----------
    path : the file.
    kind : the most that is wanted: masks, boxes or points; see `annotation_of`.
    shape : (Y, X) of the image; formats that tell it can do without.
    classes : the classes of the data set; by default those of this image, in alphabetical order.
    image : file of the image, to find it in a file for many; by default it has the stem of `path`.

    Raises
    ------
    InputError : the file is damaged or in no known format, is not of this image, or has an entry that is broken.
    """
    path = Path(path)
    drawn = read_drawn(path, image if image is not None else path.stem, shape, classes)
    return annotation_of(path, drawn, kind, shape, classes)


def read_drawn(
    path: Path, image: str | Path, shape: tuple[int, int] | None, classes: tuple[str, ...] | None = None
) -> Drawn:
    """What is drawn in one image; shapes of the class `ignore` (QuPath: `Ignore*`) are regions to ignore.

    Raises
    ------
    InputError : see `read_marks`.
    """
    content, form = recognise(path)
    names = _names(content, form)
    place = 0
    if names is not None:
        found = names.find(image)
        if len(found) != 1:
            raise InputError(path, f"{Path(image).name} {len(found)} times among the images", "each image once")
        place = found[0]
    drawn = form.read(content, place, shape, classes)
    ignore = [s for s in drawn.shapes if _ignored(s.name)]
    if not ignore:
        return drawn
    return replace(drawn, shapes=[s for s in drawn.shapes if not _ignored(s.name)], ignore=[*drawn.ignore, *ignore])


def listed_images(path: Path) -> ImageNames | None:
    """The images that a file names, or None if it is of one image.

    Raises
    ------
    InputError : it is damaged or in no known format.
    """
    return _names(*recognise(path))


@lru_cache(maxsize=4)
def _names(content: Content, form: AnnotationFormat) -> ImageNames | None:
    return None if form.images is None else ImageNames(form.images(content))


def _ignored(name: str) -> bool:
    return name.rstrip("*").lower() == "ignore"
