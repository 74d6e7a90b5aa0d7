"""COCO JSON out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from neubauer.cells.read.formats.coco import load_coco
from neubauer.cells.table import Cells
from neubauer.cells.write.formats import FORMATS, OutputFormat
from neubauer.cells.write.outlines import outlines
from neubauer.errors import InputError
from neubauer.images.write import atomic_path


def write_coco(
    path: str | Path,
    cells_list: Iterable[Cells],
    classes: Sequence[str],
    file_names: Mapping[str, str] | None = None,
) -> None:
    """Write the cells of all images as one COCO file (cocodataset.org, "Data format", object detection).

    Each annotation has the polygons of its cell as segmentation (holes filled; empty where there are no masks), bbox,
    area and, as detection results have it, `score`. Category ids count from 1 in the order of `classes`. The images
    are taken one by one, so that a generator needs no more memory than one of them. `read_marks` reads the file.

    Parameters
    ----------
    path : the file to write; an existing one is replaced.
    cells_list : the cells of each image; those without cells are listed too.
    classes : class names.
    file_names : file name of each image by `Cells.image`; by default that name itself.

    Raises
    ------
    InputError : a cell has no box, or a class that is not in `classes`.
    OutputError : the file cannot be written.
    """
    category = {name: i for i, name in enumerate(classes, start=1)}
    images: list[dict[str, Any]] = []

    def annotations() -> Iterator[dict[str, Any]]:
        for cells in cells_list:
            entry = {"id": len(images) + 1, "file_name": (file_names or {}).get(cells.image, cells.image)}
            images.append(entry | {"width": cells.shape[1], "height": cells.shape[0]})
            for mark in _annotations(cells, category):
                yield {"image_id": entry["id"]} | mark

    _write(path, annotations(), images, classes)


def merge_coco(path: str | Path, parts: Iterable[str | Path], classes: Sequence[str]) -> None:
    """Join COCO files of `write_coco` with the same classes, such as one per image of a run, into one.

    Raises
    ------
    InputError : a part is no COCO file, or has other categories.
    OutputError : the file cannot be written.
    """
    images: list[dict[str, Any]] = []

    def annotations() -> Iterator[dict[str, Any]]:
        for part in map(Path, parts):
            coco = load_coco(part)
            if [coco.categories[i] for i in sorted(coco.categories)] != list(classes):
                found = f"the categories {', '.join(coco.categories.values())}"
                raise InputError(part, found, ", ".join(classes))
            for image in coco.images:
                new_id = len(images) + 1
                images.append(image | {"id": new_id})
                for mark in coco.annotations.get(image["id"], []):
                    yield mark | {"image_id": new_id}

    _write(path, annotations(), images, classes)


def _annotations(cells: Cells, category: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    for outline in outlines(cells):
        row = outline.row
        if row["class"] not in category:
            raise InputError(cells.image, f"a cell of the class {row['class']!r}", f"one of {', '.join(category)}")
        if outline.kind == "point":
            raise InputError(cells.image, f"only the centre of cell {row['label']}", "cells with boxes, for COCO")
        y0, x0, y1, x1 = (float(row[f"bbox-{i}"]) for i in range(4))
        width, height = x1 - x0, y1 - y0
        rings = outline.rings if outline.kind == "polygon" else []
        mark = {
            "category_id": category[row["class"]],
            "bbox": [x0, y0, width, height],
            "area": float(row["area"]) if "area" in row else width * height,
            "iscrowd": 0,
            "segmentation": [ring[:-1, ::-1].ravel().tolist() for ring in rings],
        }
        yield mark | ({"score": float(row["probability"])} if "probability" in row else {})


def _write(
    path: str | Path, annotations: Iterable[dict[str, Any]], images: list[dict[str, Any]], classes: Sequence[str]
) -> None:
    """Write the file; `images` is filled while `annotations` is consumed, so that it comes after them."""
    categories = [{"id": i, "name": name} for i, name in enumerate(classes, start=1)]
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write('{"annotations": [')
        for number, mark in enumerate(annotations, start=1):
            line = json.dumps(mark | {"id": number}, ensure_ascii=False, allow_nan=False)
            file.write(("\n" if number == 1 else ",\n") + line)
        file.write(f'],\n"images": {json.dumps(images, ensure_ascii=False)}')
        file.write(f',\n"categories": {json.dumps(categories, ensure_ascii=False)}}}\n')


FORMATS.register("coco")(
    OutputFormat(
        "{}_coco.json",
        lambda path, cells, _, file: write_coco(path, [cells], cells.classes, {cells.image: file.name}),
        ("annotations.json",),
        lambda folder, files, classes: merge_coco(folder / "annotations.json", files, classes),
    )
)
