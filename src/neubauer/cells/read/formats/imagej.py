"""ROIs of ImageJ and Fiji in, one (.roi) or many (.zip): one file per image."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import roifile

from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.shapes import Drawn, Shape, box, ellipse, point, polygon
from neubauer.errors import InputError

TYPE = roifile.ROI_TYPE
AREAS = (TYPE.POLYGON, TYPE.FREEHAND, TYPE.TRACED)
OTHERS = (roifile.ROI_SUBTYPE.TEXT, roifile.ROI_SUBTYPE.IMAGE, roifile.ROI_SUBTYPE.ARROW)
_NUMBERED = re.compile(r"(?:\d+[-_. ]+)*(?P<name>.*?)(?:[-_. #]+\d+)*")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
MANY = 10
"""Where more ROIs than that all have different names, these are not classes."""
_EXPECTED = "polygons, freehand and traced outlines, ovals, rectangles or points"


def read_imagej(content: Content) -> Drawn:
    """Read the ROIs of a file of ImageJ's ROI manager (its RoiDecoder.java).

    Outlines have corner coordinates. A ROI of several parts (ShapeRoi) is one cell, with its holes. Of a multi-point
    each point is a cell; whole numbers mean the middle of that pixel. Positions in a stack are left out. The class is
    the first of these that there is: the property `class` (which neubauer writes), the counter of a point, the group,
    the name without numbers in front of it or behind (`0012-RBC`, `RBC-3`). Names that ImageJ gives (`0001-0123-0456`)
    are no classes, nor are names at all where more than ten ROIs all have different ones.

    Raises
    ------
    InputError : the file is damaged, or a ROI is a line, a text or the like.
    """
    path = content.path
    named: list[str] = []
    shapes: list[Shape] = []
    pieces: dict[str, int] = {}
    for file, roi in _rois(content):
        where = f"ROI {roi.name or file}"
        properties = dict(re.findall(r"^(\w+): (.*)$", roi.props, re.MULTILINE))
        found = _shapes(path, where, roi)
        if "class" in properties:
            found = [replace(s, name=properties["class"].strip()) for s in found]
        elif not found[0].name:
            name = class_of_name(roi.name or Path(file).stem)
            found = [replace(s, name=f"\0{name}" if name else "") for s in found]  # if names are classes, is seen later
            named.append(name)
        label = properties.get("label")
        if label is not None and label in pieces:
            first = shapes[pieces[label]]
            shapes[pieces[label]] = replace(first, rings=first.rings + found[0].rings)
            continue
        if label is not None and found[0].kind == "outline":
            pieces[label] = len(shapes)
        shapes += found
    identities = len(named) > MANY and max(Counter(named).values()) == 1
    return Drawn([replace(s, name="" if identities and s.name[:1] == "\0" else s.name.lstrip("\0")) for s in shapes])


def class_of_name(name: str) -> str:
    """The class in the name of a ROI, without numbers; "" where it has only numbers, or is a UUID."""
    if _UUID.fullmatch(name):
        return ""
    found = _NUMBERED.fullmatch(name.strip())
    assert found is not None  # it matches all there is
    return "" if found["name"].isdecimal() else found["name"].strip()


def _rois(content: Content) -> Iterator[tuple[str, roifile.ImagejRoi]]:
    """File name and ROI, in the order of the file."""
    path = content.path
    if content.syntax == "roi":
        yield path.name, _decoded(path, path.name, path.read_bytes())
        return
    expected = "a zip of .roi files, as the ROI manager of ImageJ saves it"
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if not n.endswith("/") and not _hidden(n)]
            rois = [n for n in names if n.lower().endswith(".roi")]
            if names and not rois:
                raise InputError(path, f"a zip of {', '.join(names[:3])}", f"{expected}; or what is in it, unpacked")
            for name in rois:
                yield name, _decoded(path, name, archive.read(name))
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, OSError) as error:
        raise InputError(path, f"a zip that cannot be read: {error}", expected) from error


def _hidden(name: str) -> bool:
    return name.startswith("__MACOSX/") or Path(name).name.startswith(".")


def _decoded(path: Path, name: str, data: bytes) -> roifile.ImagejRoi:
    try:
        return roifile.ImagejRoi.frombytes(data)
    except Exception as error:  # whatever it stumbles over
        raise InputError(path, f"{name}, which cannot be read: {error}", "a ROI of ImageJ") from error


def _shapes(path: Path, where: str, roi: roifile.ImagejRoi) -> list[Shape]:
    """The cells of a ROI, with names where it is in a group or they have counters."""
    if roi.subtype in OTHERS or roi.roitype not in (TYPE.POINT, TYPE.RECT, TYPE.OVAL, *AREAS):
        kind = roi.subtype.name if roi.subtype in OTHERS else roi.roitype.name
        raise InputError(path, f"a {kind} as {where}", _EXPECTED)
    try:
        found = _points(where, roi) if roi.roitype == TYPE.POINT else [_area(where, roi)]
    except Exception as error:  # whatever broken coordinates lead to
        raise InputError(path, f"{where}, which cannot be read: {error}", _EXPECTED) from error
    if not found or not all(len(ring) and np.isfinite(ring).all() for s in found for ring in s.rings):
        raise InputError(path, f"{where} without coordinates", _EXPECTED)
    return found


def _points(where: str, roi: roifile.ImagejRoi) -> list[Shape]:
    places = _flipped(roi.coordinates()) + (0 if roi.subpixelresolution else 0.5)
    counters = [0] * len(places) if roi.counters is None else [int(c) for c in roi.counters]
    names = [f"counter {c}" if any(counters) else _group(roi) for c in counters]
    return [point(where, name, y, x) for name, (y, x) in zip(names, places, strict=True)]


def _area(where: str, roi: roifile.ImagejRoi) -> Shape:
    name = _group(roi)
    if roi.composite:
        return polygon(where, name, *(_flipped(ring) for ring in roi.coordinates(multi=True)))
    if roi.roitype in AREAS:
        return polygon(where, name, _flipped(roi.coordinates()))
    y0, x0, y1, x1 = _sides(roi)
    if roi.roitype == TYPE.RECT:
        return box(where, name, y0, x0, y1, x1)
    return ellipse(where, name, ((y0 + y1) / 2, (x0 + x1) / 2), ((y1 - y0) / 2, (x1 - x0) / 2))


def _group(roi: roifile.ImagejRoi) -> str:
    return f"group {roi.group}" if roi.group else ""


def _flipped(places: object) -> np.ndarray:
    """(N, 2) `x, y` as float64 `y, x`."""
    return np.asarray(places, np.float64)[:, ::-1]


def _sides(roi: roifile.ImagejRoi) -> tuple[float, float, float, float]:
    """`y0, x0, y1, x1`, in parts of a pixel where the ROI has them."""
    if roi.subpixelrect and roi.widthd > 0 and roi.heightd > 0:
        return roi.yd, roi.xd, roi.yd + roi.heightd, roi.xd + roi.widthd
    return float(roi.top), float(roi.left), float(roi.bottom), float(roi.right)


ANNOTATIONS.register("imagej")(
    AnnotationFormat(
        "ImageJ ROI",
        (".zip", ".roi"),
        lambda content: content.syntax in ("zip", "roi"),
        lambda content, *_: read_imagej(content),
    )
)
