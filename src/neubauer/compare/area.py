"""How large the imaged area is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neubauer.errors import InputError
from neubauer.images.read import open_image
from neubauer.images.source import ImageSource
from neubauer.runs.job import Item

MEGAPIXEL = 1e6


def areas_mm2(items: Sequence[Item], folders: Sequence[Path]) -> tuple[np.ndarray, str, tuple[str, ...]]:
    """The areas of images, from their label images, or where there are none the images themselves.

    Returns
    -------
    (N,) areas in mm², "mm²", and what a person should know; if any pixel size is unknown, all areas in million pixels.

    Raises
    ------
    InputError : neither label image nor image can be read.
    """
    sources = [_source(item, folder) for item, folder in zip(items, folders, strict=True)]
    pixels = np.array([source.shape[1] * source.shape[2] for source in sources], float)
    sizes = [source.pixel_size_um for source in sources]
    unknown = sum(size is None for size in sizes)
    if unknown:
        note = f"the pixel size of {unknown} of {len(sizes)} images is not known: density is per million pixels"
        return pixels / MEGAPIXEL, "million pixels", (note,)
    return pixels * np.array([size[0] * size[1] for size in sizes if size]) / 1e6, "mm²", ()


def _source(item: Item, folder: Path) -> ImageSource:
    masks = folder / "masks" / f"{item.name}_masks.tif"
    if masks.is_file():
        return open_image(masks)
    if not item.path.is_file():
        raise InputError(item.path, "no such file, and no label image in the results", "either, to measure the area by")
    return open_image(item.path, project="max")
