"""Regions from ImageJ: a ROI, or a ZIP of them."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import numpy as np
import roifile
import shapely
from roifile import ROI_TYPE
from shapely.geometry.base import BaseGeometry

from neubauer.cells.regions.regions import Region
from neubauer.errors import InputError

EXPECTED = "a ROI of ImageJ or Fiji, or a ZIP of them, with areas (rectangle, oval, polygon, freehand, traced)"
AREAS = (ROI_TYPE.POLYGON, ROI_TYPE.RECT, ROI_TYPE.OVAL, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED)
ELLIPSE = 256
"""Points of an oval."""


def read_roi(path: Path) -> tuple[list[Region], list[str]]:
    """Areas of a ROI file or a ROI manager's ZIP; the group of a ROI, where it has one, is its class.

    Returns
    -------
    The regions as drawn, and what was left out.

    Raises
    ------
    InputError : no ROI, or none that is an area.
    """
    try:
        found = roifile.roiread(path)
    except Exception as error:  # damaged files raise many kinds
        raise InputError(path, f"a file that cannot be read: {error}", EXPECTED) from error
    rois = found if isinstance(found, list) else [found]
    areas = [roi for roi in rois if roi.roitype in AREAS]
    if not areas:
        raise InputError(path, "points or lines only" if rois else "no ROI", EXPECTED)
    regions = [Region(roi.name or "", _area(roi), f"group {roi.group}" if roi.group else "") for roi in areas]
    left = len(rois) - len(areas)
    return regions, [f"left out of the regions: points or lines ({left})"] if left else []


def _area(roi: roifile.ImagejRoi) -> BaseGeometry:
    if roi.multi_coordinates is None and roi.roitype in (ROI_TYPE.OVAL, ROI_TYPE.RECT):
        left, top, right, bottom = (float(v) for v in (roi.left, roi.top, roi.right, roi.bottom))
        if roi.subpixelrect:
            left, top, right, bottom = roi.xd, roi.yd, roi.xd + roi.widthd, roi.yd + roi.heightd
        if roi.roitype == ROI_TYPE.RECT:
            return shapely.box(left, top, right, bottom)
        angle = np.arange(ELLIPSE) * (2 * np.pi / ELLIPSE)
        x, y = (left + right + (right - left) * np.cos(angle)) / 2, (top + bottom + (bottom - top) * np.sin(angle)) / 2
        return shapely.Polygon(np.stack([x, y], 1))
    rings = [np.asarray(ring, float) for ring in roi.coordinates(multi=True)]
    rings = [ring for ring in rings if len(ring) >= 3]
    if len(rings) == 1:
        return shapely.Polygon(rings[0])
    parts = [shapely.make_valid(shapely.Polygon(ring)) for ring in rings]  # the inner ones are holes
    return reduce(shapely.symmetric_difference, parts, shapely.Polygon())
