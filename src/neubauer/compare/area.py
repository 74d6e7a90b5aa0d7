"""How large the area is that was counted in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from neubauer.cells.write.harmless import as_it_was
from neubauer.errors import InputError
from neubauer.images.read import open_image
from neubauer.runs.job import Item
from neubauer.runs.jobs.count import REGIONS

MEGAPIXEL = 1e6


def areas_mm2(items: Sequence[Item], folders: Sequence[Path]) -> tuple[np.ndarray, str, tuple[str, ...]]:
    """The areas that cells were counted in: of regions where the run has some (`regions.csv`; of regions within others
    once), else of whole images, from their label images, or where there are none the images themselves.

    Returns
    -------
    (N,) areas in mm², "mm²", and what a person should know; if any pixel size is unknown, all areas in million pixels.

    Raises
    ------
    InputError : there is neither label image nor image, or a table of regions cannot be used.
    """
    regions = {folder: _of_regions(folder / REGIONS) for folder in set(folders) if (folder / REGIONS).is_file()}
    found = []
    for item, folder in zip(items, folders, strict=True):
        known = regions.get(folder)
        found.append(_of_image(item, folder) if known is None else known.get(item.name, (0.0, 0.0)))
    notes = []
    if regions:
        notes.append(
            "density is of the regions that were counted in; where two partly overlap, their area counts twice"
        )
    unknown = sum(np.isnan(mm2) for _, mm2 in found)
    if unknown:
        notes.append(f"the pixel size of {unknown} of {len(found)} images is not known: density is per million pixels")
        return np.array([pixels for pixels, _ in found]) / MEGAPIXEL, "million pixels", tuple(notes)
    return np.array([mm2 for _, mm2 in found]), "mm²", tuple(notes)


def _of_image(item: Item, folder: Path) -> tuple[float, float]:
    """(pixels, mm²); NaN where the size of a pixel is not known."""
    masks = folder / "masks" / f"{item.name}_masks.tif"
    if masks.is_file():
        source = open_image(masks)
    elif item.path.is_file():
        source = open_image(item.path, project="max")  # whichever way, the area is the same
    else:
        raise InputError(item.path, "no such file, and no label image in the results", "either, to measure the area by")
    pixels, size = float(source.shape[1] * source.shape[2]), source.pixel_size_um
    return pixels, float("nan") if size is None else pixels * size[0] * size[1] / 1e6


def _of_regions(table: Path) -> dict[str, tuple[float, float]]:
    """By image (pixels, mm²) of the regions that lie in no other."""
    found = pd.read_csv(table, dtype={"image": str, "parent": str}, keep_default_na=False)
    lacking = {"image", "level", "parent", "area_px"} - set(found)
    if lacking:
        raise InputError(
            table, f"no column {', '.join(sorted(lacking))}", "a table that `neubauer count --regions` wrote"
        )
    outer = found[(found["level"] == "region") & (found["parent"] == "")]
    outer = outer.assign(image=outer["image"].map(as_it_was), area_px=pd.to_numeric(outer["area_px"]))
    mm2 = pd.to_numeric(outer["area_mm2"], errors="coerce") if "area_mm2" in outer else float("nan")
    by_image = outer.assign(area_mm2=mm2).groupby("image")
    pixels, areas = by_image["area_px"].sum(), by_image["area_mm2"].agg(lambda a: a.sum(skipna=False))
    return {str(name): (float(pixels[name]), float(areas[name])) for name in pixels.index}
