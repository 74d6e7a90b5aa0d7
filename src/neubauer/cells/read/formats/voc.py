"""Pascal VOC XML in: one file per image."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.shapes import Drawn, box
from neubauer.cells.read.values import finite, image_size, shown
from neubauer.errors import InputError

_SIDES = ("ymin", "xmin", "ymax", "xmax")
_EXPECTED = "Pascal VOC XML: <annotation> with an <object> for each box, of <name> and <bndbox>"


def read_voc(content: Content) -> Drawn:
    """Read the boxes of a Pascal VOC XML file.

    VOC counts pixels from 1 and its maxima are inclusive (Everingham & Winn, "The PASCAL VOC Challenge 2012
    Development Kit", §3.2), so that a box covers `xmin - 1 ... xmax` here. A box with `xmax == xmin` or `ymax == ymin`
    has no area, though by the letter equal values are one pixel: annotation programs write them for a slip of the
    mouse. `difficult` and `truncated` objects are cells like any other.

    Raises
    ------
    InputError : a box has no name, a side that is not a number or a maximum below its minimum.
    """
    path, root = content.path, content.xml
    shapes = []
    for number, item in enumerate(root.iter("object"), start=1):
        where = f"object {number}"
        name = (item.findtext("name") or "").strip()
        if not name:
            raise InputError(path, f"no <name> in {where}", _EXPECTED)
        y0, x0, y1, x1 = (_number(path, item, f"bndbox/{side}", number) for side in _SIDES)
        if y1 < y0 or x1 < x0:
            found = f"{where} from x={x0:g} to {x1:g} and y={y0:g} to {y1:g}"
            raise InputError(path, found, "maxima that are not below the minima")
        has_area = y1 > y0 and x1 > x0
        shapes.append(box(where, name, y0 - has_area, x0 - has_area, y1, x1))
    return Drawn(shapes, image_size(path, root.findtext("size/height"), root.findtext("size/width")))


def _number(path: Path, item: ElementTree.Element, tag: str, number: int) -> float:
    text = item.findtext(tag)
    value = finite(text)
    if value is None:
        found = f"no <{tag}>" if text is None else f"<{tag}> of {shown(text)}"
        raise InputError(path, f"{found} in object {number}", "a number of pixels")
    return value


ANNOTATIONS.register("voc")(
    AnnotationFormat(
        "Pascal VOC XML", (".xml",), lambda content: content.is_xml("annotation"), lambda content, *_: read_voc(content)
    )
)
