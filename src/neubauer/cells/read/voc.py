"""Pascal VOC XML in."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np

from neubauer.cells.read.marked_boxes import MarkedBoxes, finite, image_size, shown
from neubauer.errors import InputError

_SIDES = ("ymin", "xmin", "ymax", "xmax")
_EXPECTED = "Pascal VOC XML: <annotation> with an <object> for each box, of <name> and <bndbox>"


def read_voc(path: Path) -> MarkedBoxes:
    """Read the boxes of a Pascal VOC XML file.

    VOC counts pixels from 1 and its maxima are inclusive (Everingham & Winn, "The PASCAL VOC Challenge 2012
    Development Kit", §3.2), so that a box covers `xmin - 1 ... xmax` here. A box with `xmax == xmin` or `ymax == ymin`
    has no area, though by the letter equal values are one pixel: annotation programs write them for a slip of the
    mouse. `difficult` and `truncated` objects are cells like any other.

    Raises
    ------
    InputError : the file is no VOC XML, or a box has no name, a side that is not a number or a maximum below its
        minimum.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except OSError as error:
        raise InputError(path, f"a file that cannot be read: {error.strerror or error}", _EXPECTED) from error
    except ElementTree.ParseError as error:
        raise InputError(path, f"a file that cannot be read as XML: {error}", _EXPECTED) from error
    except (LookupError, ValueError) as error:  # what expat leaves to Python's codecs
        raise InputError(path, "XML that says to be in an encoding that cannot be read", _EXPECTED) from error
    if root.tag != "annotation":
        raise InputError(path, f"XML of <{root.tag}>", _EXPECTED)
    names: list[str] = []
    boxes: list[list[float]] = []
    for number, item in enumerate(root.iter("object"), start=1):
        name = (item.findtext("name") or "").strip()
        if not name:
            raise InputError(path, f"no <name> in object {number}", _EXPECTED)
        names.append(name)
        y0, x0, y1, x1 = (_number(path, item, f"bndbox/{side}", number) for side in _SIDES)
        if y1 < y0 or x1 < x0:
            found = f"object {number} from x={x0:g} to {x1:g} and y={y0:g} to {y1:g}"
            raise InputError(path, found, "maxima that are not below the minima")
        boxes.append([y0, x0, y1, x1])
    corners = np.array(boxes, np.float64).reshape(-1, 4)
    no_area = (corners[:, 2:] <= corners[:, :2]).any(axis=1)
    corners[:, :2] -= 1
    corners[no_area] = 0  # says "no area" in half-open coordinates too
    return MarkedBoxes(names, corners, image_size(path, root.findtext("size/height"), root.findtext("size/width")))


def _number(path: Path, item: ElementTree.Element, tag: str, number: int) -> float:
    text = item.findtext(tag)
    value = finite(text)
    if value is None:
        found = f"no <{tag}>" if text is None else f"<{tag}> of {shown(text)}"
        raise InputError(path, f"{found} in object {number}", "a number of pixels")
    return value
