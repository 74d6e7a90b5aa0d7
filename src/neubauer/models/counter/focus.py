"""The network looks only where regions are, and the density of each is added up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from neubauer.cells.regions.raster import mask_of
from neubauer.cells.regions.regions import Regions
from neubauer.layouts.spec import STRIDE


@dataclass(frozen=True)
class Focus:
    """Regions of an image, for `predict_layout`.

    Attributes
    ----------
    regions : of the image.
    margin : how far around them is looked, so that cells at their borders are seen whole; pixels at the scale of the
        model. None: the network looks everywhere.
    """

    regions: Regions
    margin: float | None

    def looks(
        self, tiles: Iterator[tuple[int, int, int, int]], shape: tuple[int, int], size: tuple[int, int], grid: int
    ) -> Iterator[tuple[int, int, int, int]]:
        """Of each tile (`top, bottom, left, right`) the rectangle that has to be looked at; tiles far from all regions
        are left out.

        Parameters
        ----------
        shape, size : (Y, X) of the image, and at the scale of the model.
        grid : the rectangles begin and end at multiples of this, unless the tile does otherwise.
        """
        if self.margin is None:
            yield from tiles
            return
        zoom_y, zoom_x = (n / m for n, m in zip(shape, size, strict=True))
        for top, bottom, left, right in tiles:
            near = shapely.clip_by_rect(
                self.regions.union,
                (left - self.margin) * zoom_x,
                (top - self.margin) * zoom_y,
                (right + self.margin) * zoom_x,
                (bottom + self.margin) * zoom_y,
            )
            if near.is_empty:
                continue
            x0, y0, x1, y1 = near.bounds
            low = [int(v // grid) * grid for v in (y0 / zoom_y - self.margin, x0 / zoom_x - self.margin)]
            high = [-int(-v // grid) * grid for v in (y1 / zoom_y + self.margin, x1 / zoom_x + self.margin)]
            yield max(top, low[0]), min(bottom, high[0]), max(left, low[1]), min(right, high[1])

    def shares(
        self, at: tuple[int, int, int, int], shape: tuple[int, int], size: tuple[int, int]
    ) -> tuple[np.ndarray | None, list[tuple[int, np.ndarray | None]]]:
        """Which pixels of a part of the layout lie in all regions together, and in each of `regions.parts` that it
        touches (index, mask); None stands for all pixels.

        Parameters
        ----------
        at : `top, bottom, left, right`, pixels at the scale of the model.
        shape, size : as in `looks`.
        """
        zoom_y, zoom_x = (n / m for n, m in zip(shape, size, strict=True))
        top, bottom, left, right = at
        y, x = (
            (np.arange(a, b, STRIDE) + STRIDE / 2) * zoom
            for a, b, zoom in ((top, bottom, zoom_y), (left, right, zoom_x))
        )
        frame = shapely.box(left * zoom_x, top * zoom_y, right * zoom_x, bottom * zoom_y)
        areas = np.array([part.area for part in self.regions.parts], object)
        whole, touched = shapely.covers(areas, frame), shapely.intersects(areas, frame)
        parts = [(int(i), None if whole[i] else mask_of(areas[i], y, x)) for i in np.flatnonzero(touched)]
        union = self.regions.union
        return None if shapely.covers(union, frame) else mask_of(union, y, x), parts
