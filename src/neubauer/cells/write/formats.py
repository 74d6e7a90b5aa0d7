"""The output formats, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from neubauer.cells.draw.overlay import draw_overlay
from neubauer.cells.table import Cells
from neubauer.cells.write.coco import merge_coco, write_coco
from neubauer.cells.write.geojson import write_geojson
from neubauer.cells.write.roi import write_roi
from neubauer.cells.write.yolo import write_class_list, write_yolo
from neubauer.images.source import ImageSource
from neubauer.images.write import write_labels


@dataclass(frozen=True)
class OutputFormat:
    name: str
    file: str
    write: Callable[[Path, Cells, ImageSource, Path], object]
    common: tuple[str, ...] = ()
    merge: Callable[[Path, Sequence[Path], Sequence[str]], None] | None = None


class _Formats(dict[str, OutputFormat]):
    pass


FORMATS = _Formats()
for f in (
    OutputFormat("masks", "{}_masks.tif", lambda p, c, i, f: write_labels(p, c.labels, c.pixel_size_um)),
    OutputFormat("overlays", "{}_overlay.png", lambda p, c, i, f: draw_overlay(i, c, p)),
    OutputFormat("geojson", "{}.geojson", lambda p, c, i, f: write_geojson(p, c)),
    OutputFormat(
        "coco",
        "{}_coco.json",
        lambda p, c, i, f: write_coco(p, [c], c.classes, {c.image: f.name}),
        ("annotations.json",),
        lambda d, fs, cl: merge_coco(d / "annotations.json", fs, cl),
    ),
    OutputFormat("roi", "{}_rois.zip", lambda p, c, i, f: write_roi(p, c)),
    OutputFormat(
        "yolo",
        "labels/{}.txt",
        lambda p, c, i, f: write_yolo(p, c, c.classes),
        ("classes.txt",),
        lambda d, fs, cl: write_class_list(d / "classes.txt", cl),
    ),
):
    FORMATS[f.name] = f
