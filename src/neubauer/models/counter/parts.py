"""Counts of parts of the cells of an image: those in regions, and those that filters keep."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from neubauer.cells.filters import Filters
from neubauer.cells.regions.regions import Regions
from neubauer.cells.table import Cells, CountEstimate
from neubauer.errors import InputError
from neubauer.models.counter.interval import estimate_of_part

BAND = 512
"""Rows of a label image at a time."""


def count_regions(cells: Cells, regions: Regions) -> Cells:
    """The cells that lie in regions, with counts of each.

    The count of a region is the image's, times the share of its cells whose centre lies in the region; its interval is
    made as `neubauer.models.counter.interval.estimate_of_part` says. `CellCounter.predict(regions=...)` comes to the
    same, but for classes that are counted by density, which it adds up in each region.

    Parameters
    ----------
    cells : of the whole image.
    regions : of an image of this size.

    Raises
    ------
    InputError : the regions are of an image of another size.
    """
    if tuple(regions.shape) != tuple(cells.shape):
        found = f"regions of an image of {regions.shape[0]} x {regions.shape[1]} pixels"
        raise InputError(cells.image, found, f"{cells.shape[0]} x {cells.shape[1]}, the size of the image of the cells")
    members = regions.members(cells.table[["centroid-0", "centroid-1"]].to_numpy())
    table = cells.table.assign(region=name_regions(regions, members))
    inside = np.asarray(members.any(1))
    kept, labels = keep_rows(table, None if cells.labels is None else cells.labels.copy(), inside)
    return replace(
        cells,
        table=kept,
        labels=labels,
        estimates=_scaled(cells.estimates, table, inside),
        region_estimates=[_scaled(cells.estimates, table, m) for m in members.T],
        regions=regions,
        flags=[*regions.notes, *cells.flags],
    )


def filter_cells(cells: Cells, filters: Filters) -> Cells:
    """The cells that filters keep, with their counts; `info["left_out"]` says how many others there are.

    Each count, that of the image and that of each region, is multiplied by the share of its cells that are kept, and
    its interval is made as `neubauer.models.counter.interval.estimate_of_part` says.

    Raises
    ------
    InputError : see `Filters.keeps`.
    """
    if not filters.record:
        return cells
    keep = filters.keeps(cells)
    table = cells.table
    by_region = cells.region_estimates
    if cells.regions is not None:
        members = cells.regions.members(table[["centroid-0", "centroid-1"]].to_numpy())
        by_region = [
            _scaled(estimates, table[inside], keep[inside])
            for estimates, inside in zip(by_region, members.T, strict=True)
        ]
    kept, labels = keep_rows(table, None if cells.labels is None else cells.labels.copy(), keep)
    return replace(
        cells,
        table=kept,
        labels=labels,
        estimates=_scaled(cells.estimates, table, keep),
        region_estimates=by_region,
        info=cells.info | {"left_out": int((~keep).sum())},
    )


def name_regions(regions: Regions, members: np.ndarray) -> list[str]:
    """The name of the innermost region of each cell; `members` is from `Regions.members`."""
    names = [*(region.name for region in regions.regions), ""]
    return [names[i] for i in regions.innermost(members)]


def keep_rows(
    table: pd.DataFrame, labels: np.ndarray | None, keep: np.ndarray
) -> tuple[pd.DataFrame, np.ndarray | None]:
    """The rows to keep, (N,) bool, numbered anew in the same order, and the labels (Y, X), changed in place."""
    if keep.all():
        return table, labels
    old = table["label"].to_numpy(int)
    kept = table[keep].reset_index(drop=True)
    kept["label"] = np.arange(1, len(kept) + 1)
    if labels is not None:
        lookup = np.zeros(int(labels.max(initial=0)) + 1, labels.dtype)
        lookup[old[keep]] = kept["label"]
        for top in range(0, len(labels), BAND):
            band = labels[top : top + BAND]
            if band.any():
                band[:] = lookup[band]
    return kept, labels


def _scaled(estimates: dict[str, CountEstimate], table: pd.DataFrame, keep: np.ndarray) -> dict[str, CountEstimate]:
    """Estimates of the rows to keep; where there is no row of a class, nothing says how much of it stays."""
    classes = table["class"].to_numpy()
    result = {}
    for name, found in estimates.items():
        own = np.ones(len(table), bool) if name == "total" else classes == name
        result[name] = estimate_of_part(found, int(keep[own].sum()), int(own.sum()))
    return result
