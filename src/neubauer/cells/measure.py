"""Measure the cells of a label image: position, size, shape and brightness."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import pandas as pd

from neubauer.cells.pixel_runs import bands, find_runs
from neubauer.cells.shape import bounding_boxes, hull_areas, moments, perimeters
from neubauer.images.source import ImageSource

COLUMNS = [
    *("label", "centroid-0", "centroid-1", "bbox-0", "bbox-1", "bbox-2", "bbox-3", "area", "eccentricity", "solidity"),
    *("perimeter", "equivalent_diameter_area", "axis_major_length", "axis_minor_length"),
]


class Regions(Protocol):
    """An image that is read by region: `region(y0, y1, x0, x1)` gives a (C, y1 - y0, x1 - x0) array."""

    def region(self, y0: int, y1: int, x0: int, x1: int) -> np.ndarray: ...


def measure(labels: np.ndarray, intensity: np.ndarray | Regions | None = None) -> pd.DataFrame:
    """Measure every cell of a label image.

    The columns are those of `skimage.measure.regionprops_table`, by its definitions and with its values, but computed
    for all cells at once, in bands of rows: some ten times as fast, and with bounded memory.

    Parameters
    ----------
    labels : (Y, X) int array, 0 is background; labels may have gaps.
    intensity : (C, Y, X) or (Y, X) array, or an image that is read by region, from which `intensity_mean` (with
        several channels `intensity_mean-0` ...) is measured.

    Returns
    -------
    One row per label in ascending order; lengths in pixels, areas in pixels². A label image without cells gives a
    table without rows. `intensity_mean` is of the pixels of a cell that an `ImageSource` does not miss; of an array it
    is NaN where a pixel of the cell is.

    Raises
    ------
    ValueError : `labels` is not two-dimensional, or `intensity` has another (Y, X).
    """
    if labels.ndim != 2:
        raise ValueError(f"labels has the shape {labels.shape}, expected (Y, X)")
    runs = find_runs(labels)
    ids, index = np.unique(runs.label, return_inverse=True)
    n = len(ids)
    box = bounding_boxes(runs, index, n)
    m = moments(runs, index, n, box)
    minor, major = m.eigenvalues()
    with np.errstate(invalid="ignore"):
        eccentricity = np.where(major > 0, np.sqrt(np.clip(1 - minor / major, 0, 1)), 0.0)
    columns = {
        "label": ids,
        "centroid-0": m.y,
        "centroid-1": m.x,
        **{f"bbox-{i}": box[:, i] for i in range(4)},
        "area": m.area,
        "eccentricity": eccentricity,
        "solidity": m.area / hull_areas(runs, index, n, box),
        "perimeter": perimeters(labels, ids),
        "equivalent_diameter_area": np.sqrt(4 * m.area / np.pi),
        "axis_major_length": 4 * np.sqrt(major),
        "axis_minor_length": 4 * np.sqrt(minor),
    }
    table = pd.DataFrame(columns, columns=COLUMNS)
    if intensity is None:
        return table
    means = _intensity_means(labels, intensity, ids, m.area)
    names = [f"intensity_mean-{c}" for c in range(len(means))] if len(means) > 1 else ["intensity_mean"]
    return table.assign(**dict(zip(names, means, strict=True)))


def add_micrometres(table: pd.DataFrame, pixel_size_um: tuple[float, float]) -> pd.DataFrame:
    """Add columns in micrometres to a table of cells.

    `area_um2`, `centroid-0_um`, `centroid-1_um`, `equivalent_diameter_um` and, if there is a `perimeter`,
    `perimeter_um`. Where pixels are not square, the perimeter is converted with the geometric mean of both sides, an
    approximation; all else is exact.

    Parameters
    ----------
    table : at least the columns `area`, `centroid-0`, `centroid-1`.
    pixel_size_um : (y, x) micrometres per pixel.

    Returns
    -------
    A copy with the columns appended.

    Raises
    ------
    ValueError : a pixel size is not a positive number.
    """
    y, x = pixel_size_um
    if not (np.isfinite([y, x]).all() and y > 0 and x > 0):
        raise ValueError(f"pixel_size_um is {pixel_size_um}, expected two positive numbers (y, x)")
    area = table["area"] * (y * x)
    columns = {
        "area_um2": area,
        "centroid-0_um": table["centroid-0"] * y,
        "centroid-1_um": table["centroid-1"] * x,
        "equivalent_diameter_um": np.sqrt(4 * area / np.pi),
    }
    if "perimeter" in table:
        columns["perimeter_um"] = table["perimeter"] * np.sqrt(y * x)
    return table.assign(**columns)


def _intensity_means(
    labels: np.ndarray, intensity: np.ndarray | Regions, ids: np.ndarray, area: np.ndarray
) -> np.ndarray:
    """Mean of each channel over the known pixels of each cell: (C, N) float64, NaN where there are none."""
    if isinstance(intensity, np.ndarray):
        image = intensity[None] if intensity.ndim == 2 else intensity
        if image.shape[1:] != labels.shape:
            raise ValueError(f"intensity has the shape {intensity.shape}, labels {labels.shape}")
    sums: np.ndarray | None = None
    for y0, y1 in bands(labels.shape):
        inside = labels[y0:y1] != 0
        if sums is not None and not inside.any():
            continue
        rows = image[:, y0:y1] if isinstance(intensity, np.ndarray) else _rows(intensity, y0, y1, labels.shape[1])
        if rows.shape[1:] != (y1 - y0, labels.shape[1]):
            raise ValueError(f"a region of the image has the shape {rows.shape}, expected {labels[y0:y1].shape}")
        if sums is None:
            sums, lost = np.zeros((len(rows), len(ids))), np.zeros((len(rows), len(ids)))
        index = np.searchsorted(ids, labels[y0:y1][inside])
        for total, gone, channel in zip(sums, lost, rows, strict=True):
            values, mask = np.ma.getdata(channel)[inside], np.ma.getmask(channel)
            if mask is not np.ma.nomask:
                values = np.where(mask[inside], 0, values)
                gone += np.bincount(index, mask[inside], len(ids))
            total += np.bincount(index, values, len(ids))
    assert sums is not None  # an image has at least one row
    with np.errstate(invalid="ignore"):
        return sums / (area - lost)


def _rows(image: Regions, y0: int, y1: int, width: int) -> np.ndarray:
    return image.masked(y0, y1, 0, width) if isinstance(image, ImageSource) else image.region(y0, y1, 0, width)
