"""Regions from a file of any known format."""

from __future__ import annotations

from pathlib import Path

from neubauer.cells.regions.prepare import make_regions
from neubauer.cells.regions.read.boxes import read_boxes
from neubauer.cells.regions.read.geojson import read_geojson
from neubauer.cells.regions.read.labels import read_labels
from neubauer.cells.regions.read.roi import read_roi
from neubauer.cells.regions.regions import Regions
from neubauer.errors import InputError

GEOJSON, ROI, TABLES, LABELS = (".geojson", ".json"), (".roi", ".zip"), (".csv", ".tsv"), (".tif", ".tiff", ".png")
SUFFIXES = GEOJSON + ROI + TABLES + LABELS
EXPECTED = f"regions as GeoJSON, ImageJ ROI, table of boxes or label image ({', '.join(SUFFIXES)})"


def read_regions(path: str | Path, shape: tuple[int, int], image: str | Path = "") -> Regions:
    """Read the regions of an image.

    - GeoJSON (.geojson, .json), as QuPath exports annotations and TMA cores: name and classification are kept.
    - ImageJ and Fiji (.roi, .zip): rectangles, ovals, polygons, freehand and traced areas, and those composed of them.
    - Tables (.csv, .tsv) with the columns `region`, `y0`, `x0`, `y1`, `x1`, and maybe `image` and `class`.
    - Label images (.tif, .png): each value but 0 is a region, in pieces or not.

    Parameters
    ----------
    path : the file.
    shape : (Y, X) of the image.
    image : its file or name, for tables that hold several images.

    Returns
    -------
    Regions, valid and inside of the image; `notes` says what had to be done for that.

    Raises
    ------
    InputError : not such a file, no region in it or none of this image, or all lie outside of the image.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if not path.is_file():
        raise InputError(path, "no such file", EXPECTED)
    if suffix in GEOJSON:
        drawn, notes = read_geojson(path)
    elif suffix in ROI:
        drawn, notes = read_roi(path)
    elif suffix in TABLES:
        drawn, notes = read_boxes(path, image)
    elif suffix in LABELS:
        drawn, notes = read_labels(path, shape)
    else:
        raise InputError(path, f"a file of type {suffix or '(none)'}", EXPECTED)
    return make_regions(drawn, (int(shape[0]), int(shape[1])), path, notes)
