"""Small files as annotation programs write them: two cells in an image `a.png` of 30 x 40 pixels (Y x X).

The first is an RBC from y = 2 to 8 and x = 10 to 15 (corners), the second a WBC with its middle at y = 20.5, x = 30.5;
where a format has outlines, it is drawn as a square of 5 pixels, else as a point.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import roifile

SIZE = (30, 40)
RBC = [[10, 2], [15, 2], [15, 8], [10, 8]]
WBC = [[28, 18], [33, 18], [33, 23], [28, 23]]
CELLS = (("RBC", RBC), ("WBC", WBC))


def closed(ring: list[list[float]]) -> list[list[float]]:
    return [*ring, ring[0]]


def qupath_feature(name: str | None, geometry: dict, kind: str = "annotation", **more: object) -> dict:
    """As QuPath 0.5 exports it."""
    properties = {"objectType": kind} | ({} if name is None else {"classification": {"name": name, "color": [1, 2, 3]}})
    return {"type": "Feature", "id": "7b1c", "geometry": geometry, "properties": properties} | more


def polygon_geometry(*rings: list[list[float]]) -> dict:
    return {"type": "Polygon", "coordinates": [closed(ring) for ring in rings]}


def labelme_file(*shapes: dict, size: tuple[int, int] = SIZE) -> dict:
    """As LabelMe 5 saves it; each shape with what it always has, unless it is given."""
    plain = {"group_id": None, "description": "", "flags": {}, "mask": None, "shape_type": "polygon"}
    sides = {"imageHeight": size[0], "imageWidth": size[1]}
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": [plain | shape for shape in shapes],
        "imagePath": "a.png",
        "imageData": None,
        **sides,
    }


def via_region(shape: dict, **attributes: object) -> dict:
    return {"shape_attributes": shape, "region_attributes": attributes}


def via_polygon(ring: list[list[float]], name: str = "polygon") -> dict:
    return {"name": name, "all_points_x": [x for x, _ in ring], "all_points_y": [y for _, y in ring]}


def via_project(images: dict[str, list[dict]]) -> dict:
    """As VIA 2 saves a project."""
    data = {f"{n}99": {"filename": n, "size": 99, "regions": r, "file_attributes": {}} for n, r in images.items()}
    return {
        "_via_settings": {"ui": {}},
        "_via_img_metadata": data,
        "_via_attributes": {"region": {"class": {"type": "text"}}, "file": {}},
        "_via_data_format_version": "2.0.10",
        "_via_image_id_list": list(data),
    }


def via_csv(images: dict[str, list[dict]], mark: str = "") -> str:
    """As VIA 2 exports it; VIA 1 has a `#` in front."""
    rows = [
        f"{mark}filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes"
    ]

    def quoted(value: object) -> str:
        return '"' + json.dumps(value, separators=(",", ":")).replace('"', '""') + '"'

    for name, regions in images.items():
        for i, region in enumerate(regions):
            shape, attributes = quoted(region["shape_attributes"]), quoted(region["region_attributes"])
            rows.append(f'{name},99,"{{}}",{len(regions)},{i},{shape},{attributes}')
        if not regions:
            rows.append(f'{name},99,"{{}}",0,0,"{{}}","{{}}"')
    return "\n".join(rows) + "\n"


def cvat_image(name: str, inner: str, size: tuple[int, int] = SIZE) -> str:
    return f'  <image id="0" name="{name}" width="{size[1]}" height="{size[0]}">\n{inner}\n  </image>\n'


def cvat_file(*images: str) -> str:
    """As CVAT exports "CVAT for images 1.1"."""
    meta = "<task><id>4</id><name>t</name><mode>annotation</mode></task><dumped>2024-01-01</dumped>"
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>{meta}</meta>\n'
        + ("".join(images) + "</annotations>\n")
    )


def cvat_polygon(label: str, ring: list[list[float]]) -> str:
    points = ";".join(f"{x:.2f},{y:.2f}" for x, y in ring)
    return f'    <polygon label="{label}" source="manual" occluded="0" points="{points}" z_order="0">\n    </polygon>'


def studio_result(
    kind: str, value: dict, label: str | None = "RBC", size: tuple[int, int] = SIZE, **more: object
) -> dict:
    """As Label Studio 1 exports a region; `value` is in percent."""
    named = {} if label is None else {kind: [label]}
    return {
        "original_width": size[1],
        "original_height": size[0],
        "image_rotation": 0,
        "value": value | named,
        "id": "x1",
        "from_name": "label",
        "to_name": "image",
        "type": kind,
        "origin": "manual",
        **more,
    }


def studio_task(image: str, *results: dict, number: int = 1, **annotation: object) -> dict:
    done = {"id": 5, "completed_by": 1, "result": list(results), "was_cancelled": False, "ground_truth": False}
    return {
        "id": number,
        "annotations": [done | annotation],
        "file_upload": Path(image).name,
        "drafts": [],
        "predictions": [],
        "data": {"image": image},
        "meta": {},
        "project": 1,
    }


def percent(ring: list[list[float]], size: tuple[int, int] = SIZE) -> list[list[float]]:
    return [[x * 100 / size[1], y * 100 / size[0]] for x, y in ring]


def write_rois(path: Path, *rois: roifile.ImagejRoi) -> Path:
    """As ImageJ's ROI manager saves them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for roi in rois:
            file.writestr(f"{roi.name}.roi", roi.tobytes())
    return path


def roi_of(ring: list[list[float]], name: str, kind: roifile.ROI_TYPE = roifile.ROI_TYPE.POLYGON) -> roifile.ImagejRoi:
    roi = roifile.ImagejRoi.frompoints(np.array(ring), name=name)
    roi.roitype = kind
    return roi


def _coco() -> str:
    marks = [
        {"id": i, "image_id": 7, "category_id": i, "segmentation": [np.ravel(ring).tolist()], "iscrowd": 0}
        for i, (_, ring) in enumerate(CELLS, start=1)
    ]
    images = [{"id": 7, "file_name": "a.png", "width": SIZE[1], "height": SIZE[0]}]
    categories = [{"id": i, "name": name} for i, (name, _) in enumerate(CELLS, start=1)]
    return json.dumps({"images": images, "annotations": marks, "categories": categories})


def _voc() -> str:
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{ring[0][0] + 1}</xmin><ymin>{ring[0][1] + 1}</ymin>"
        f"<xmax>{ring[2][0]}</xmax><ymax>{ring[2][1]}</ymax></bndbox></object>"
        for name, ring in CELLS
    )
    return f"<annotation><size><width>40</width><height>30</height></size>{objects}</annotation>"


def _yolo(path: Path) -> str:
    (path.parent / "classes.txt").write_text("RBC\nWBC\n")
    lines = [f"{i} " + " ".join(f"{v / 100:.6f}" for p in percent(r) for v in p) for i, (_, r) in enumerate(CELLS)]
    return "\n".join(lines) + "\n"


def _via() -> dict[str, list[dict]]:
    return {"a.png": [via_region(via_polygon(ring), **{"class": name}) for name, ring in CELLS]}


def _studio() -> str:
    results = [studio_result("polygonlabels", {"points": percent(ring), "closed": True}, name) for name, ring in CELLS]
    return json.dumps([studio_task("/data/upload/1/1a2b3c4d-a.png", *results)])


TEXTS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "coco": (".json", lambda path: _coco()),
    "cvat": (".xml", lambda path: cvat_file(cvat_image("a.png", "\n".join(cvat_polygon(*cell) for cell in CELLS)))),
    "geojson": (
        ".geojson",
        lambda path: json.dumps(
            {"type": "FeatureCollection", "features": [qupath_feature(n, polygon_geometry(r)) for n, r in CELLS]}
        ),
    ),
    "label-studio": (".json", lambda path: _studio()),
    "labelme": (
        ".json",
        lambda path: json.dumps(labelme_file(*({"label": name, "points": ring} for name, ring in CELLS)), indent=2),
    ),
    "table": (".csv", lambda path: "y,x,class\n4.5,12,RBC\n20,30,WBC\n"),
    "via": (".json", lambda path: json.dumps(via_project(_via()))),
    "voc": (".xml", lambda path: _voc()),
    "yolo": (".txt", _yolo),
}
"""Suffix and content of a file of each format."""


def write_sample(form: str, folder: Path, stem: str = "a") -> Path:
    """Write the file of a format of this name."""
    if form == "imagej":
        return write_rois(folder / f"{stem}.zip", *(roi_of(ring, f"{i:04d}-{n}") for i, (n, ring) in enumerate(CELLS)))
    suffix, text = TEXTS[form]
    path = folder / f"{stem}{suffix}"
    path.write_text(text(path), encoding="utf-8")
    return path
