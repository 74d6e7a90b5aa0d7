"""The report as one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import json
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from neubauer.cells.draw.colours import class_colours
from neubauer.report.checks import remarks, trends
from neubauer.report.drawing import Drawing
from neubauer.report.methods import methods
from neubauer.report.numbers import number, ranged
from neubauer.report.plots import counts_in_order, histogram, in_order
from neubauer.report.results import Results

SHOWN_CLASSES = 12
"""More classes than these have no histograms of their own."""


def page(results: Results) -> str:
    """The HTML of a report; the same results give the same text."""
    said, changes = remarks(results), trends(results)
    images = _images(results, said.of_images)
    classes = [c for c in _classes(results) if c["cells"]] or _classes(results)
    counts = results.counts
    text = _template().render(
        name=results.folder.resolve().name,
        about=methods(results),
        css=Markup(_part("report.css")),
        js=Markup(_part("report.js")),
        images=images,
        data=_as_data(results, images),
        classes=classes,
        total=int(counts["total"].sum()) if len(counts) else 0,
        median=_median(counts["total"]),
        flagged=sum(bool(image["flags"]) for image in images),
        noted=sum(bool(image["notes"]) for image in images),
        failed=results.failed.to_dict("records"),
        of_run=said.of_run,
        measured=bool(results.quality["focus"].notna().any()),
        order=_svg(counts_in_order(results, "total")) if len(counts) else None,
        count_plots=_count_plots(results, classes),
        cell_plots=_cell_plots(results, classes),
        trends=[(trend, _svg(in_order(trend))) for trend in changes],
    )
    return text.encode("utf-8", "replace").decode("utf-8")  # a name that is no text is shown as well as it goes


def _images(results: Results, said: list[list[str]]) -> list[dict[str, Any]]:
    """What the page says of each image, in the order of the table."""
    quality = results.quality.to_dict("records")
    return [
        {
            "name": row["image"],
            "file": row.get("file") or row["image"],
            "overlay": results.overlay(row["image"]),
            "counts": [(row[n], row[f"{n}_low"], row[f"{n}_high"]) for n in results.classes],
            "total": (row["total"], row["total_low"], row["total_high"]),
            "diameter": row["diameter"],
            "flags": [flag for flag in str(row["flag"]).split("; ") if flag],
            "notes": found,
            "quality": measured,
        }
        for row, found, measured in zip(results.counts.to_dict("records"), said, quality, strict=True)
    ]


def _classes(results: Results) -> list[dict[str, Any]]:
    colours = class_colours(len(results.classes))
    return [
        {
            "name": name,
            "place": i,
            "colour": "#{:02x}{:02x}{:02x}".format(*colour),
            "cells": int(results.counts[name].sum()),
        }
        for i, (name, colour) in enumerate(zip(results.classes, colours, strict=True))
    ]


def _as_data(results: Results, images: list[dict[str, Any]]) -> Markup:
    """What the script of the page needs, as JSON that cannot end the element it stands in."""
    found = []
    for image in images:
        pictures = [None if p is None else base64.b64encode(p).decode() for p in results.pictures(image["name"])]
        found.append(pictures)
    text = json.dumps(found, separators=(",", ":"), ensure_ascii=True)
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))


def _count_plots(results: Results, classes: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Markup]]:
    found = []
    for shown in classes[:SHOWN_CLASSES]:
        values = pd.to_numeric(results.counts[shown["name"]], errors="coerce")
        plot = histogram(values, f"{shown['name']}, count per image", "images", whole=True)
        if plot is not None:
            found.append((shown, _svg(plot)))
    return found


def _cell_plots(results: Results, classes: list[dict[str, Any]]) -> list[tuple[dict[str, Any], list[Markup]]]:
    found = []
    for shown in classes[:SHOWN_CLASSES]:
        own = results.cells[results.cells["class"] == shown["name"]]
        plots = [
            histogram(own["size"], f"diameter, {results.unit}", "cells") if results.unit else None,
            histogram(own["probability"], "probability of being one", "cells"),
        ]
        drawn = [_svg(plot) for plot in plots if plot is not None]
        if drawn:
            found.append((shown, drawn))
    return found


def _svg(drawing: Drawing) -> Markup:
    return Markup(drawing.svg())


def _median(values: pd.Series) -> str:
    return f"{np.median(values):.3g}" if len(values) else "–"


def _part(name: str) -> str:
    return (files("neubauer.report") / "templates" / name).read_text(encoding="utf-8")


@cache
def _template() -> Any:
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"range": ranged, "number": number}
    return environment.from_string(_part("report.html"))
