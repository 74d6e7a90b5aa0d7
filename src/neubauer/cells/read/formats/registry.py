"""What reads the marks of people: one reader for each format of annotation files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from neubauer.cells.read.content import Content, load_content
from neubauer.cells.read.shapes import Drawn
from neubauer.cells.read.values import shown
from neubauer.errors import InputError
from neubauer.plugins import Registry


@dataclass(frozen=True)
class AnnotationFormat:
    """Reads files of one format.

    Attributes
    ----------
    title : what people call it.
    suffixes : of its files, in lower case, with the dot; those in a folder that are looked at have one of them.
    takes : whether a file is in this format, by its content. May raise InputError only for a damaged file.
    read : content, place of the image in `images` (0 where there is no such list), (Y, X) of the image or None, and the
        classes of the data set or None -> what is drawn in that image. Raises InputError that names file and entry.
    images : of a format whose files serve many images: their names or addresses, as the file has them.
    last : asked only where no other format takes a file.
    """

    title: str
    suffixes: tuple[str, ...]
    takes: Callable[[Content], bool]
    read: Callable[[Content, int, tuple[int, int] | None, tuple[str, ...] | None], Drawn]
    images: Callable[[Content], Sequence[str]] | None = None
    last: bool = False


ANNOTATIONS: Registry[AnnotationFormat] = Registry(
    "annotation format", "neubauer.cells.read.formats", "neubauer.annotations"
)


def annotation_suffixes() -> tuple[str, ...]:
    """Of annotation files that are no images."""
    return tuple(dict.fromkeys(suffix for form in ANNOTATIONS.values() for suffix in form.suffixes))


def recognise(path: Path) -> tuple[Content, AnnotationFormat]:
    """What is in a file, and in which format.

    Raises
    ------
    InputError : there is no such file, it is damaged, or in no format that is known.
    """
    titles = ", ".join(form.title for form in ANNOTATIONS.values())
    if path.suffix.lower() not in annotation_suffixes() and not path.is_file():
        raise InputError(path, f"a file of type {path.suffix or '(none)'}", f"annotations: {titles}")
    content = load_content(path)
    for form in sorted(ANNOTATIONS.values(), key=lambda form: form.last):
        if form.takes(content):
            return content, form
    raise InputError(path, _described(content), f"annotations: {titles}")


def _described(content: Content) -> str:
    match content.syntax:
        case "json" if isinstance(content.json, dict):
            return f"JSON with the keys {shown(list(content.json)[:5])}"
        case "json":
            return f"JSON of {shown(content.json)}"
        case "xml":
            return f"XML of <{content.xml.tag}>"
        case "zip" | "roi":
            return "a damaged file of ROIs"
    return f"a file of type {content.path.suffix or '(none)'} that begins with {shown(content.start)}"
