"""What the program writes is read back to the same cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.draw import ellipse

from neubauer.cells.annotation import Annotation
from neubauer.cells.convert import annotation_to_cells
from neubauer.cells.read.load import load_annotation
from neubauer.cells.read.match import match_annotations
from neubauer.cells.table import Cells
from neubauer.cells.write.formats import FORMATS
from neubauer.images.read import from_array

CLASSES = ("RBC", "WBC-2", "a/b: c")
SIZE = (80, 120)


def drawn(n: int = 40) -> Cells:
    """Ellipses that touch and overlap, some in pieces, single pixels, and cells at the edge."""
    rng = np.random.default_rng(5)
    labels = np.zeros(SIZE, np.int32)
    for i in range(n - 2):
        y, x, r, c = rng.uniform([0, 0, 2, 2], [*SIZE, 9, 9])
        rows, columns = ellipse(y, x, r, c, SIZE, rng.uniform(0, 3))
        labels[rows, columns] = i + 1
    if n:
        labels[70, 3], labels[72, 3:5], labels[72, 8:10] = n - 1, n, n
    present = np.unique(labels[labels > 0])
    labels = np.searchsorted(present, labels, "right").astype(np.int32) * (labels > 0)
    index = rng.integers(0, 3, len(present))
    centres = np.array([np.argwhere(labels == i + 1).mean(0) for i in range(len(present))]).reshape(-1, 2)
    return annotation_to_cells(Annotation("masks", SIZE, CLASSES, index, centres, labels=labels), "a")


def write(name: str, cells: Cells, folder: Path) -> Path:
    """The file of an image `a.tif` as a run writes it; returns the folder of the format."""
    form, out = FORMATS[name], folder / name
    file = out / form.file.format("a")
    file.parent.mkdir(parents=True)
    form.write(file, cells, from_array(np.zeros((1, *SIZE), np.uint8)), Path("a.tif"))
    if form.merge is not None:
        form.merge(out, [file], CLASSES)
    return out


def read(folder: Path, kind: str) -> Annotation:
    image = folder.parent / "images" / "a.tif"
    (pair,) = match_annotations([image], folder, kind).pairs  # type: ignore[arg-type]
    return load_annotation(*pair, kind, SIZE, CLASSES)  # type: ignore[arg-type]


def filled(labels: np.ndarray) -> np.ndarray:
    """Label image as outlines say it: what lies in a hole of a cell and is none of its own belongs to it."""
    from scipy import ndimage as ndi

    result = np.zeros_like(labels)
    for i in np.argsort(-np.bincount(labels.ravel())[1:], kind="stable") + 1:
        result[ndi.binary_fill_holes(labels == i)] = i
    return np.where(labels > 0, labels, result)


@pytest.mark.parametrize("name", ["geojson", "roi", "coco"])
def test_masks(name: str, tmp_path: Path) -> None:
    cells = drawn()
    marks = read(write(name, cells, tmp_path), "masks")
    assert marks.kind == "masks"
    assert marks.counts() == cells.counts()
    assert cells.labels is not None
    np.testing.assert_array_equal(marks.labels, filled(cells.labels))
    assert [CLASSES[i] for i in marks.class_index] == cells.table["class"].tolist()


@pytest.mark.parametrize("name", ["geojson", "roi", "coco", "yolo"])
def test_boxes(name: str, tmp_path: Path) -> None:
    corners = np.array([[2.0, 3, 8, 9], [0, 0, 4.5, 4], [10, 20, 30, 60]])
    given = Annotation("boxes", SIZE, CLASSES, np.array([1, 0, 2]), corners[:, :2] + 2, boxes=corners)
    marks = read(write(name, annotation_to_cells(given, "a"), tmp_path), "boxes")
    np.testing.assert_allclose(marks.boxes, corners, atol=1e-4)
    np.testing.assert_array_equal(marks.class_index, given.class_index)


@pytest.mark.parametrize("name", ["geojson", "roi"])
def test_points(name: str, tmp_path: Path) -> None:
    centres = np.array([[2.25, 3], [70, 0.5], [10, 119]])
    given = Annotation("points", SIZE, CLASSES, np.array([1, 0, 2]), centres)
    marks = read(write(name, annotation_to_cells(given, "a"), tmp_path), "points")
    np.testing.assert_allclose(marks.centres, centres, atol=1e-4)
    np.testing.assert_array_equal(marks.class_index, given.class_index)


@pytest.mark.parametrize("name", ["geojson", "roi", "coco", "yolo"])
def test_an_image_without_cells(name: str, tmp_path: Path) -> None:
    assert len(read(write(name, drawn(0), tmp_path), "boxes")) == 0
