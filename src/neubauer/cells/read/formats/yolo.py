"""YOLO text in: one file per image, one line per box."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np

from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.shapes import Drawn, Shape, box, polygon
from neubauer.cells.read.text import read_text
from neubauer.cells.read.values import shown
from neubauer.errors import InputError

CLASS_FILES = ("classes.txt", "obj.names", "data.yaml", "data.yml", "dataset.yaml")
_EXPECTED = (
    "lines of `class cx cy width height` (or a polygon `class x1 y1 x2 y2 x3 y3 ...`), as fractions of the image"
)
_EXPECTED_NAMES = "one name per line, or names: in a YOLO data file"
_YAML_NAME = re.compile(r"""(?:'(?P<single>(?:[^']|'')*)'|(?P<double>".*?")|(?P<plain>[^'"].*?))(?:\s+#.*)?""")
_OVERSHOOT = 0.01  # programs round; a centre farther out than this is in other units, or wrong


def read_yolo(content: Content, shape: tuple[int, int] | None, classes: tuple[str, ...] | None = None) -> Drawn:
    """Read a YOLO text file: `class cx cy width height [confidence]`, as fractions of width and height.

    Lines of segmentation sets (`class x1 y1 x2 y2 x3 y3 ...`) are outlines. The names of the classes are those of
    `classes.txt` or `data.yaml` (`names:`) in the folder of the file or one of the two above it, otherwise `classes` in
    their order. An empty file is an image with no cells.

    Parameters
    ----------
    content : the text file.
    shape : (Y, X) of the image.
    classes : class names, for a set that has no list of them.

    Raises
    ------
    InputError : there is no class list, or a line has other fields, a class that is not in the list, or values that
        are no fractions of the image.
    """
    path = content.path
    if shape is None:
        raise InputError(path, "marks as fractions of their image", "the image with it")
    lines = content.text.splitlines()
    rows = [(number, line.split()) for number, line in enumerate(lines, start=1) if line.strip()]
    known = class_list(path) or classes if rows else ()
    if known is None:
        raise InputError(path, "no list of classes", "classes.txt or data.yaml beside the file, or the classes given")
    shapes: list[Shape] = []
    for number, fields in rows:
        where = f"line {number}: {' '.join(fields[:6])[:80]!r}"
        try:
            index, *values = (float(f) for f in fields)
        except ValueError:
            raise InputError(path, where, _EXPECTED) from None
        if not (len(values) in (4, 5) or (len(values) >= 6 and len(values) % 2 == 0)):
            raise InputError(path, where, _EXPECTED)
        if index not in range(len(known)):
            raise InputError(path, f"class {fields[0]} in line {number}", f"0 to {len(known) - 1} ({', '.join(known)})")
        _check_fractions(path, where, values)
        name = known[int(index)]
        if len(values) > 5:
            ring = np.array(values).reshape(-1, 2)[:, ::-1] * shape
            shapes.append(polygon(f"line {number}", name, ring))
        else:
            cx, cy, w, h = values[:4]
            sides = np.array([cy - h / 2, cx - w / 2, cy + h / 2, cx + w / 2]) * (*shape, *shape)
            shapes.append(box(f"line {number}", name, *sides))
    return Drawn(shapes)


def _check_fractions(path: Path, where: str, values: list[float]) -> None:
    inside = [-_OVERSHOOT <= v <= 1 + _OVERSHOOT for v in (values if len(values) > 5 else values[:4])]
    if not all(inside):  # NaN fails too
        raise InputError(path, where, "fractions of the image, 0 to 1")
    if len(values) <= 5 and min(values[2:4]) < 0:
        raise InputError(path, where, "a width and a height that are not negative")


def _is_yolo(content: Content) -> bool:
    """A text file that begins with a number and a blank, or an empty one."""
    if content.syntax != "text" or content.path.suffix.lower() != ".txt":
        return False
    start = content.start.removeprefix(b"\xef\xbb\xbf").split()
    try:
        return not start or float(start[0]) is not None
    except ValueError:
        return False


def class_list(path: Path) -> tuple[str, ...] | None:
    """The class names of the data set that a YOLO file belongs to, in the order of their numbers, or None."""
    for folder in path.resolve().parents[:3]:
        for name in CLASS_FILES:
            if (folder / name).is_file():
                return read_class_list(folder / name)
    return None


def read_class_list(path: Path) -> tuple[str, ...]:
    """Read a list of classes: one name per line, or the `names:` of a YOLO data file.

    Of YAML only what such files use is understood: `names: [a, b]`, and a block of `- a` or `0: a`.

    Raises
    ------
    InputError : the file cannot be read, there is no name in it, or a name has quotes that do not match.
    """
    text = read_text(path, _EXPECTED_NAMES)
    if path.suffix in (".yaml", ".yml"):
        names = [_unquote(path, item) for item in _yaml_names(text)]
    else:
        names = [line.strip() for line in text.splitlines() if line.strip()]
    if not names:
        raise InputError(path, "no class names", _EXPECTED_NAMES)
    return tuple(names)


def _yaml_names(text: str) -> list[str]:
    inline = re.search(r"^names:\s*\[(.*?)\]", text, re.MULTILINE | re.DOTALL)
    if inline:
        return [item for item in inline[1].split(",") if item.strip()]
    block = re.search(r"^names:[ \t]*(?:#.*)?\n((?:[ \t]*(?:-|\d+:)[^\n]*(?:\n|$))+)", text, re.MULTILINE)
    return re.findall(r"^[ \t]*(?:-|\d+:)[ \t]*(.*)$", block[1], re.MULTILINE) if block else []


def _unquote(path: Path, item: str) -> str:
    """The text of a YAML scalar: in single quotes only '' means something else, in double quotes it is as in JSON."""
    found = _YAML_NAME.fullmatch(item.strip())
    if found and (single := found["single"]) is not None:
        return single.replace("''", "'")
    if found and found["plain"]:
        return found["plain"]
    try:
        return str(json.loads(found["double"] if found else ""))
    except ValueError:
        raise InputError(
            path, f"the name {shown(item.strip())}", "names as they are, or in quotes that match"
        ) from None


ANNOTATIONS.register("yolo")(
    AnnotationFormat(
        "YOLO text", (".txt",), _is_yolo, lambda content, _, shape, classes: read_yolo(content, shape, classes)
    )
)
