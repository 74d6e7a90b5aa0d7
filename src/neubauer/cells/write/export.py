"""The cells of an image in the formats of other programs, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from neubauer.cells.table import Cells
from neubauer.errors import InputError, OutputError

Format = Literal["geojson", "coco", "roi", "yolo"]


def export(name: Format, folder: str | Path, cells: Cells, image: str | Path) -> Path:
    """Write the cells of one image into a folder of its own format.

    `geojson`: `<image>.geojson` (QuPath); `coco`: `<image>_coco.json` (`merge_coco` makes one file of many); `roi`:
    `<image>_rois.zip` (ImageJ); `yolo`: `labels/<image>.txt`, with `classes.txt`.

    Parameters
    ----------
    name : the format.
    folder : where to write; made if it does not exist.
    cells : what was found; `cells.image` gives the name of the file.
    image : the image file, whose name COCO files hold.

    Returns
    -------
    The file written.

    Raises
    ------
    InputError : the format is not known, or it needs boxes and only centres are known.
    OutputError : the file cannot be written.
    """
    folder = Path(folder)
    try:
        (folder / "labels" if name == "yolo" else folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror or error})") from error
    match name:
        case "geojson":
            from neubauer.cells.write.geojson import write_geojson

            path = folder / f"{cells.image}.geojson"
            write_geojson(path, cells)
        case "coco":
            from neubauer.cells.write.coco import write_coco

            path = folder / f"{cells.image}_coco.json"
            write_coco(path, [cells], cells.classes, {cells.image: Path(image).name})
        case "roi":
            from neubauer.cells.write.roi import write_roi

            path = folder / f"{cells.image}_rois.zip"
            write_roi(path, cells)
        case "yolo":
            from neubauer.cells.write.yolo import write_class_list, write_yolo

            path = folder / "labels" / f"{cells.image}.txt"
            write_yolo(path, cells, cells.classes)
            write_class_list(folder / "classes.txt", cells.classes)
        case _:
            raise InputError("format", repr(name), "geojson, coco, roi or yolo")
    return path
