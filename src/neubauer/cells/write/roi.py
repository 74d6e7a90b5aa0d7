"""ImageJ ROI zip out."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
import roifile

from neubauer.cells.draw.colours import class_colours
from neubauer.cells.table import Cells
from neubauer.cells.write.formats import FORMATS, OutputFormat
from neubauer.cells.write.outlines import outlines
from neubauer.images.write import atomic_path


def write_roi(path: str | Path, cells: Cells) -> None:
    """Write the cells of one image as a zip of ROIs for the ROI manager of ImageJ and Fiji.

    Each cell is a polygon with the precision of parts of a pixel, coloured by class and named `0001-class`; of a cell
    in pieces each piece is one (`0001-class-2`). Where only its box is known, it is a rectangle, where only its
    centre is, a point. The properties `class` and `label` of a ROI are those of its cell; `read_imagej` reads them.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    colours = dict(zip(cells.classes, class_colours(len(cells.classes)), strict=True))
    rois = []
    for outline in outlines(cells):
        label, name = int(outline.row["label"]), str(outline.row["class"])
        for piece, ring in enumerate(outline.rings, start=1):
            points = (ring if outline.kind == "point" else ring[:-1])[:, ::-1].astype(np.float32)
            title = re.sub(r"[/\\:]", "-", f"{label:04d}-{name}" + (f"-{piece}" if piece > 1 else ""))
            roi = roifile.ImagejRoi.frompoints(points, name=title)
            roi.roitype = roifile.ROI_TYPE.POINT if outline.kind == "point" else roifile.ROI_TYPE.POLYGON
            roi.props = f"class: {' '.join(name.split())}\nlabel: {label}\n"
            if name in colours:
                roi.stroke_color = bytes((255, *colours[name]))
            rois.append(roi)
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as file:
        for roi in rois:  # not by roifile, whose zips hold the time: the same cells give the same bytes
            file.writestr(zipfile.ZipInfo(f"{roi.name}.roi"), roi.tobytes())


FORMATS.register("roi")(OutputFormat("{}_rois.zip", lambda path, cells, *_: write_roi(path, cells)))
