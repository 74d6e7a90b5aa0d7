"""What a population of cells is like: kinds, sizes, shapes, how dense and how clumped. The prior of the simulator."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

Shape = Literal["ellipse", "lobed", "rod", "polygon"]
Background = Literal["bright", "dark"]


class CellKind(BaseModel):
    """One class of cells.

    Attributes
    ----------
    name : the class.
    diameter : median diameter of the disc of the same area, in pixels.
    diameter_sd : spread of the diameters between cells (standard deviation of the logarithm).
    share : relative number of cells of this kind.
    shape : `ellipse`; `lobed`, two to four discs that run together; `rod`, bent, with round ends; `polygon`, convex
        with rounded corners.
    elongation : smallest and largest ratio of the axes.
    irregularity : how far the outline strays from the shape, relative to the radius.
    cut : cells of which less than this share is seen, inside of the image and not behind others, are not counted.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str = "cell"
    diameter: float = Field(gt=0)
    diameter_sd: Annotated[float, Field(ge=0, le=1)] = 0.15
    share: Annotated[float, Field(ge=0)] = 1.0
    shape: Shape = "ellipse"
    elongation: tuple[float, float] = (1.0, 1.4)
    irregularity: Annotated[float, Field(ge=0, le=0.5)] = 0.06
    cut: Annotated[float, Field(ge=0, le=1)] = 0.0

    @property
    def area(self) -> float:
        """Mean area in square pixels, of the log-normal distribution of diameters."""
        return float(np.pi / 4 * self.diameter**2 * np.exp(2 * self.diameter_sd**2))


class Population(BaseModel):
    """Cells of several kinds, and how they lie.

    Attributes
    ----------
    kinds : the classes, in the order of the model.
    coverage : evenly spaced quantiles, from the least to the largest, of the summed areas of an image's cells over the
        area of the image; where cells overlap that is more than the share of the image which they cover.
    overlap : how far two cells may reach into each other: their centres are at least `1 - overlap` times the sum of the
        radii apart.
    clumping : share of the cells that lie beside another one.
    background : brighter or darker than the cells.
    out_of_focus : share of the cells that are blurred.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    kinds: tuple[CellKind, ...] = Field(min_length=1)
    coverage: Annotated[tuple[float, ...], Field(min_length=1)] = (0.05, 0.3)
    overlap: Annotated[float, Field(ge=0, lt=1)] = 0.1
    clumping: Annotated[float, Field(ge=0, le=1)] = 0.2
    background: Background = "bright"
    out_of_focus: Annotated[float, Field(ge=0, le=1)] = 0.0

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the kinds."""
        return tuple(kind.name for kind in self.kinds)

    @property
    def shares(self) -> np.ndarray:
        """(K,) share of the cells that is of each kind; sums to 1."""
        shares = np.array([kind.share for kind in self.kinds])
        return shares / shares.sum() if shares.sum() > 0 else np.full(len(shares), 1 / len(shares))

    @property
    def cut(self) -> np.ndarray:
        """(K,) least share of a cell of each kind that must be seen for it to count."""
        return np.array([kind.cut for kind in self.kinds])

    @property
    def typical_diameter(self) -> float:
        """Median diameter (pixels) of the kind with the most cells."""
        return self.kinds[int(self.shares.argmax())].diameter

    def scaled(self, factor: float) -> Population:
        """The same population in images that are `factor` times as wide and high."""
        kinds = tuple(kind.model_copy(update={"diameter": kind.diameter * factor}) for kind in self.kinds)
        return self.model_copy(update={"kinds": kinds})

    def balanced(self, exponent: float = 0.5) -> Population:
        """The same kinds in shares raised to `exponent`, so that rare ones are seen more often; large ones less so, in
        proportion to their area."""
        typical = self.typical_diameter
        room = np.array([min(1.0, (typical / kind.diameter) ** 2) for kind in self.kinds])
        shares = self.shares**exponent * room
        kinds = tuple(
            kind.model_copy(update={"share": float(s)})
            for kind, s in zip(self.kinds, shares / shares.sum(), strict=True)
        )
        return self.model_copy(update={"kinds": kinds})
