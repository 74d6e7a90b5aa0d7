"""Regions from GeoJSON, as QuPath exports them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import shape as to_shape

from neubauer.cells.read.text import read_text
from neubauer.cells.regions.regions import Region
from neubauer.errors import InputError

EXPECTED = "GeoJSON with polygons, as QuPath exports annotations"
NO_REGIONS = ("detection", "cell", "root", "pathdetectionobject", "pathcellobject", "pathrootobject")
"""QuPath's objects that are what is counted, not where."""


def read_geojson(path: Path) -> tuple[list[Region], list[str]]:
    """Polygons of features with name and classification; annotations and TMA cores, no detections.

    Coordinates are `x, y` in pixels of the full image from its top left corner, as QuPath has them.

    Returns
    -------
    The regions as drawn, and what was left out.

    Raises
    ------
    InputError : no GeoJSON, or no polygon in it.
    """
    try:
        content = json.loads(read_text(path, EXPECTED))
    except ValueError as error:
        raise InputError(path, f"no valid JSON ({error})", EXPECTED) from error
    regions: list[Region] = []
    cells = others = 0
    for feature in _features(content):
        geometry, properties = feature.get("geometry"), feature.get("properties") or {}
        if not isinstance(geometry, dict):
            continue
        if str(properties.get("objectType", feature.get("id", ""))).lower() in NO_REGIONS:
            cells += 1
            continue
        try:
            area = to_shape(geometry)
        except (ValueError, TypeError, AttributeError, KeyError, IndexError, shapely.errors.ShapelyError) as error:
            raise InputError(path, f"a broken geometry ({error})", EXPECTED) from error
        if not any(part.geom_type == "Polygon" for part in shapely.get_parts(shapely.get_parts(area))):
            others += 1
            continue
        regions.append(Region(_text(properties.get("name")), area, _kind(properties.get("classification"))))
    left_out = ([f"detected cells ({cells})"] if cells else []) + ([f"points or lines ({others})"] if others else [])
    if not regions:
        found = f"no polygon of a region ({' and '.join(left_out)} only)" if left_out else "no polygon"
        raise InputError(path, found, EXPECTED)
    return regions, [f"left out of the regions: {what}" for what in left_out]


def _features(content: Any) -> Iterator[dict[str, Any]]:
    """Features of a collection, a list, one alone, or a bare geometry."""
    if isinstance(content, list):
        for part in content:
            yield from _features(part)
    elif isinstance(content, dict):
        if content.get("type") == "FeatureCollection":
            yield from _features(content.get("features") or [])
        elif content.get("type") == "Feature":
            yield content
        elif "coordinates" in content or content.get("type") == "GeometryCollection":
            yield {"geometry": content}


def _kind(classification: Any) -> str:
    """QuPath's class: a name, or several ("Tumor: Positive")."""
    if isinstance(classification, dict):
        names = classification.get("names")
        if isinstance(names, list):
            return ": ".join(_text(name) for name in names)
        return _text(classification.get("name"))
    return _text(classification)


def _text(value: Any) -> str:
    return "" if value is None else str(value).strip()
