"""GeoJSON out, for QuPath."""

from __future__ import annotations

import json
import math
import uuid
from pathlib import Path
from typing import Any

from neubauer.cells.draw.colours import class_colours
from neubauer.cells.table import Cells
from neubauer.cells.write.formats import FORMATS, OutputFormat
from neubauer.cells.write.outlines import Outline, outlines
from neubauer.images.write import atomic_path

_NOT_MEASURED = {"image", "label", "class"}


def write_geojson(path: str | Path, cells: Cells) -> None:
    """Write the cells of one image as a GeoJSON FeatureCollection of QuPath detections (QuPath 0.4 or newer).

    Each cell has its outline (a Polygon, of a cell in pieces a MultiPolygon; where only boxes or centres are known, the
    box or a Point), its class as classification, and the numbers of its row as measurements. Coordinates are `x, y` in
    pixels from the top left corner of the image, as QuPath has them.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    colours = dict(zip(cells.classes, class_colours(len(cells.classes)), strict=True))
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for i, outline in enumerate(outlines(cells)):  # one by one: a slide has millions
            file.write((",\n" if i else "\n") + json.dumps(_feature(outline, cells.image, colours), ensure_ascii=False))
        file.write("\n]}\n")


def _feature(outline: Outline, image: str, colours: dict[str, tuple[int, int, int]]) -> dict[str, Any]:
    row = outline.row
    properties: dict[str, Any] = {"objectType": "detection"}
    if row.get("class") in colours:
        properties["classification"] = {"name": row["class"], "color": list(colours[row["class"]])}
    properties["measurements"] = {
        name: float(value)
        for name, value in row.items()
        if name not in _NOT_MEASURED and isinstance(value, (int, float)) and math.isfinite(value)
    }
    # QuPath wants a UUID; made from the names, the same cell keeps it from run to run
    identity = uuid.uuid5(uuid.NAMESPACE_URL, f"neubauer:{image}:{row['label']}")
    return {"type": "Feature", "id": str(identity), "geometry": _geometry(outline), "properties": properties}


def _geometry(outline: Outline) -> dict[str, Any]:
    rings = [ring[:, ::-1].tolist() for ring in outline.rings]
    if outline.kind == "point":
        return {"type": "Point", "coordinates": rings[0][0]}
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings}
    return {"type": "MultiPolygon", "coordinates": [[ring] for ring in rings]}


FORMATS.register("geojson")(OutputFormat("{}.geojson", lambda path, cells, *_: write_geojson(path, cells)))
