"""Regions from a label image: each value is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely

from neubauer.cells.pixel_runs import find_runs
from neubauer.cells.read.pixels import check_shape, read_pixels
from neubauer.cells.regions.regions import Region
from neubauer.errors import InputError

EXPECTED = "a label image of regions (0 outside, a whole number for each region)"


def read_labels(path: Path, shape: tuple[int, int]) -> tuple[list[Region], list[str]]:
    """Each value but 0 as a region, in pieces or not, named after it; the border runs along the sides of pixels.

    Returns
    -------
    The regions, and what people should know of them.

    Raises
    ------
    InputError : not readable, a colour image, a stack, of another size than the image, of broken numbers, or empty.
    """
    pixels = read_pixels(path, EXPECTED)
    if pixels.ndim == 3:
        if pixels.shape[2] not in (2, 3, 4) or np.ptp(pixels[..., : 3 if pixels.shape[2] > 2 else 1], axis=2).any():
            what = "a colour image or a stack (labels that overlap?)"
            raise InputError(path, f"{what}, of shape {pixels.shape}", f"{EXPECTED} in one plane")
        pixels = pixels[..., 0]
    check_shape(path, pixels.shape, shape)
    if pixels.dtype.kind == "f" and not (np.isfinite(pixels).all() and (pixels == np.rint(pixels)).all()):
        raise InputError(path, "numbers that are not whole", EXPECTED)
    if pixels.min() < 0:
        raise InputError(path, f"the negative value {pixels.min()}", EXPECTED)
    runs = find_runs(pixels.astype(np.int64) if pixels.dtype.kind in "fb" else pixels)
    values, index = np.unique(runs.label, return_inverse=True)
    if not len(values):
        raise InputError(path, "a label image of nothing but 0", EXPECTED)
    boxes = shapely.box(runs.start, runs.row, runs.start + runs.length, runs.row + 1)
    order = np.argsort(index, kind="stable")
    groups = np.split(boxes[order], np.flatnonzero(np.diff(index[order])) + 1)
    regions = [
        Region(f"region {value}", shapely.union_all(group).simplify(0))
        for value, group in zip(values, groups, strict=True)
    ]
    return regions, []
