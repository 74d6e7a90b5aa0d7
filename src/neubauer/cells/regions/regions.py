"""`Regions`: the parts of one image that are counted one by one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

NUDGE = (1.1e-6, 1.7e-6)
"""Added to (y, x) of a cell, in pixels: a centre on a border that two regions share lies in one, not in none."""
SAME = 1e-3
"""Up to this share of its area a region may lie outside of its parent: people do not draw to the pixel."""


@dataclass(frozen=True)
class Region:
    """A part of an image.

    Attributes
    ----------
    name : what it is called, unlike any other of its image.
    area : polygon or polygons, in pixels `x, y` from the top left corner of the image: pixel (0, 0) covers 0 ... 1.
    kind : its class (QuPath's classification); empty where it has none.
    """

    name: str
    area: BaseGeometry
    kind: str = ""


@dataclass(frozen=True)
class Regions:
    """The regions of one image; they may overlap and lie in each other. `make_regions` checks them.

    Attributes
    ----------
    shape : (Y, X) of the image.
    regions : of the image, each inside of it; one without area is kept, and has no cells.
    notes : what was done to them and people should know.
    """

    shape: tuple[int, int]
    regions: tuple[Region, ...]
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.regions)

    @cached_property
    def union(self) -> BaseGeometry:
        """All that is counted."""
        found = shapely.union_all([region.area for region in self.regions])
        shapely.prepare(found)
        return found

    @cached_property
    def pools(self) -> tuple[Region, ...]:
        """For each class of regions all of them as one, in the order in which the classes occur."""
        kinds = dict.fromkeys(region.kind for region in self.regions if region.kind)
        return tuple(
            Region("", shapely.union_all([r.area for r in self.regions if r.kind == kind]), kind) for kind in kinds
        )

    @property
    def parts(self) -> tuple[Region, ...]:
        """All that gets a count of its own: the regions, then the pools."""
        return self.regions + self.pools

    @cached_property
    def parents(self) -> tuple[int | None, ...]:
        """Of each region the smallest one that it lies in, by its index."""
        areas = np.array([region.area.area for region in self.regions])
        tree = shapely.STRtree([region.area for region in self.regions])
        found: list[int | None] = []
        for i, region in enumerate(self.regions):
            around = [
                int(k)
                for k in (tree.query(region.area, predicate="intersects") if areas[i] else ())
                if (areas[k], -k) > (areas[i], -i)
                and region.area.intersection(self.regions[k].area).area >= (1 - SAME) * areas[i]
            ]
            found.append(min(around, key=lambda k: (areas[k], -k), default=None))
        return tuple(found)

    def members(self, centres: np.ndarray) -> np.ndarray:
        """(N, P) bool: which of N cells lie in which of the P parts.

        Parameters
        ----------
        centres : (N, 2) of `y, x` as tables of cells have them: the middle of the top left pixel is (0, 0).
        """
        y, x = (np.asarray(centres, float).reshape(-1, 2) + 0.5 + NUDGE).T
        found = np.zeros((len(y), len(self.parts)), bool)
        for i, part in enumerate(self.parts):
            shapely.prepare(part.area)
            found[:, i] = shapely.contains_xy(part.area, x, y)
        return found

    def innermost(self, members: np.ndarray) -> np.ndarray:
        """(N,) index of the smallest region that holds each cell, -1 for none; `members` is from `members`."""
        areas = np.array([region.area.area for region in self.regions])
        order = np.argsort(areas, kind="stable")
        if not len(order):
            return np.full(len(members), -1)
        inside = members[:, order]
        return np.where(inside.any(1), order[inside.argmax(1)], -1)
