"""GeoJSON of QuPath in: one file per image."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import points_in_poly

from neubauer.cells.read.content import Content
from neubauer.cells.read.formats.registry import ANNOTATIONS, AnnotationFormat
from neubauer.cells.read.shapes import Drawn, Shape, point, polygon
from neubauer.cells.read.values import points, shown
from neubauer.errors import InputError

_GEOMETRIES = ("Polygon", "MultiPolygon", "Point", "MultiPoint")
_OTHERS = ("LineString", "MultiLineString", "GeometryCollection")
_CELLS = ("detection", "cell")
REGION = "Region*"
"""QuPath's class for a part of an image: nothing is known outside of it."""
HELD = 2
"""An annotation around so many detections is where they were looked for, no cell."""


def read_geojson(content: Content) -> Drawn:
    """Read the objects of a GeoJSON file of QuPath (RFC 7946; qupath.readthedocs.io, "Exporting annotations").

    A FeatureCollection, a plain list of features, or a single one. Coordinates are `x, y` in pixels from the top left
    corner of the image. Each polygon (holes stay holes) or multi-polygon is a cell, and each of the points. The nucleus
    of a cell (`nucleusGeometry`) is left out. The class is the name of the classification; "Unclassified" is none.
    What lies outside of annotations of the class `Region*` is not known. An annotation that holds two or more of the
    detections or cells of the file is the region in which these were found, and left out; so is a TMA core.

    Raises
    ------
    InputError : an object has no geometry, or one of another type, or a broken one.
    """
    path = content.path
    shapes: list[tuple[Shape, str]] = []
    regions: list[Shape] = []
    for number, feature in enumerate(_with_children(_features(content)), start=1):
        where = f"feature {number}"
        if not isinstance(feature, dict):
            raise InputError(path, f"{shown(feature)} as {where}", "a GeoJSON feature")
        properties = feature.get("properties") or {}
        if not isinstance(properties, dict):
            raise InputError(path, f"the properties {shown(properties)} of {where}", "an object")
        kind = _object_type(feature, properties)
        if kind in ("tmacore", "root"):
            continue
        name = _class(path, where, properties.get("classification"))
        found = _shapes(path, where, name, feature.get("geometry"))
        if name == REGION:
            regions += found
        else:
            shapes += [(shape, kind) for shape in found]
    return Drawn(_without_parents(shapes), regions=regions)


def _features(content: Content) -> list[Any]:
    found = content.json
    if isinstance(found, list):
        return found
    if found["type"] == "FeatureCollection":
        if not isinstance(found.get("features"), list):
            raise InputError(content.path, f"the features {shown(found.get('features'))}", "a list")
        return found["features"]
    return [found if found["type"] == "Feature" else {"geometry": found}]


def _with_children(features: list[Any]) -> Iterator[Any]:
    """Features, each before those that QuPath keeps inside of it."""
    for feature in features:
        yield feature
        properties = feature.get("properties") if isinstance(feature, dict) else None
        children = properties.get("childObjects") if isinstance(properties, dict) else None
        if isinstance(children, list):
            yield from _with_children(children)


def _object_type(feature: dict[str, Any], properties: dict[str, Any]) -> str:
    """QuPath's type in small letters: annotation, detection, cell, tile, tmacore; early versions had it as the id."""
    kind = properties.get("objectType") or properties.get("object_type")
    if kind is None and str(feature.get("id", "")).startswith("Path"):
        kind = str(feature["id"]).removeprefix("Path").removesuffix("Object")
    return str(kind or "").lower().replace("_", "")


def _class(path: Path, where: str, classification: object) -> str:
    """Its name; derived classes have several names, which QuPath shows as `Tumor: Positive`."""
    if isinstance(classification, dict):
        names = classification.get("names")
        classification = ": ".join(map(str, names)) if isinstance(names, list) else classification.get("name")
    if classification is not None and not isinstance(classification, str):
        raise InputError(path, f"the classification {shown(classification)} of {where}", "a name")
    name = (classification or "").strip()
    return "" if name == "Unclassified" else name


def _shapes(path: Path, where: str, name: str, geometry: object) -> list[Shape]:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if not isinstance(geometry, dict) or kind not in _GEOMETRIES:
        found = f"the geometry {shown(kind)}" if kind else "no geometry"
        raise InputError(path, f"{found} in {where}", f"one of {', '.join(_GEOMETRIES)}")
    places = geometry.get("coordinates")
    if kind in ("Point", "MultiPoint"):
        each = points(path, where, [places] if kind == "Point" else places, 1)
        return [point(where, name, y, x) for y, x in each]
    pieces = [places] if kind == "Polygon" else places
    if not isinstance(pieces, list) or not pieces or not all(isinstance(p, list) and p for p in pieces):
        raise InputError(path, f"the coordinates {shown(places)} of {where}", "rings of points x, y")
    return [polygon(where, name, *(points(path, where, ring, 3) for piece in pieces for ring in piece))]


def _without_parents(shapes: list[tuple[Shape, str]]) -> list[Shape]:
    """The shapes without annotations around detections."""
    middles = [np.array(s.bounds).reshape(2, 2).mean(0) for s, kind in shapes if kind in _CELLS]
    if len(middles) < HELD:
        return [shape for shape, _ in shapes]
    centres = np.array(middles)
    kept = []
    for shape, kind in shapes:
        if kind == "annotation" and shape.kind == "outline":
            y0, x0, y1, x1 = shape.bounds
            near = centres[((centres >= (y0, x0)) & (centres <= (y1, x1))).all(1)]
            if len(near) >= HELD:
                held = np.sum([points_in_poly(near, ring) for ring in shape.rings], 0) % 2
                if held.sum() >= HELD:
                    continue
        kept.append(shape)
    return kept


def _is_geojson(content: Content) -> bool:
    if content.syntax != "json":
        return False
    found = content.json
    if isinstance(found, list):
        return all(isinstance(f, dict) and f.get("type") == "Feature" for f in found)
    return isinstance(found, dict) and found.get("type") in ("FeatureCollection", "Feature", *_GEOMETRIES, *_OTHERS)


ANNOTATIONS.register("geojson")(
    AnnotationFormat("GeoJSON", (".geojson", ".json"), _is_geojson, lambda content, *_: read_geojson(content))
)
