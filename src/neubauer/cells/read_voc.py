"""Pascal VOC XML in."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from neubauer.cells.marked_boxes import MarkedBoxes
from neubauer.errors import InputError

_SIDES = ("ymin", "xmin", "ymax", "xmax")
_EXPECTED = "Pascal VOC XML: <annotation> with an <object> for each box, of <name> and <bndbox>"


def read_voc(path: Path) -> MarkedBoxes:
    """Read the boxes of a Pascal VOC XML file.

    VOC counts pixels from 1 and its maxima are inclusive (Everingham & Winn, "The PASCAL VOC Challenge 2012
    Development Kit", §3.2), so that a box covers `xmin - 1 ... xmax` here. A box with `xmax <= xmin` or `ymax <= ymin`
    has no area, though by the letter equal values are one pixel: annotation programs write them for a slip of the
    mouse. `difficult` and `truncated` objects are cells like any other.

    Raises
    ------
    InputError : the file is no VOC XML, or a box has no name or a side that is not a number.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, OSError, ValueError) as error:
        raise InputError(path, f"a file that cannot be read as XML: {error}", _EXPECTED) from error
    if root.tag != "annotation":
        raise InputError(path, f"XML of <{root.tag}>", _EXPECTED)
    names: list[str] = []
    boxes: list[list[float]] = []
    for number, item in enumerate(root.iter("object"), start=1):
        name = (item.findtext("name") or "").strip()
        if not name:
            raise InputError(path, f"no <name> in object {number}", _EXPECTED)
        names.append(name)
        boxes.append([_number(path, item, f"bndbox/{side}", number) for side in _SIDES])
    corners = np.array(boxes, np.float64).reshape(-1, 4)
    no_area = (corners[:, 2:] <= corners[:, :2]).any(axis=1)
    corners[:, :2] -= 1
    corners[no_area] = 0  # says "no area" in half-open coordinates too
    return MarkedBoxes(names, corners, _size(path, root))


def _size(path: Path, root: ElementTree.Element) -> tuple[int, int] | None:
    """The (Y, X) in <size>, or None where it is missing or zero, as some programs write it."""
    try:
        height, width = (int(float(root.findtext(f"size/{side}") or 0)) for side in ("height", "width"))
    except ValueError as error:
        raise InputError(path, f"a <size> that is not a number: {error}", _EXPECTED) from error
    return (height, width) if height > 0 and width > 0 else None


def _number(path: Path, item: ElementTree.Element, tag: str, number: int) -> float:
    text = item.findtext(tag)
    try:
        return float(text or "")
    except ValueError:
        raise InputError(path, f"<{tag}> of {text!r} in object {number}", "a number of pixels") from None
