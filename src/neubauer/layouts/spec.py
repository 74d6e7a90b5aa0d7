"""Which maps a layout has, and where they lie in its channel axis."""

from __future__ import annotations

from dataclasses import dataclass

STRIDE = 2
"""A layout pixel covers STRIDE x STRIDE image pixels; the middle of (i, j) is at position STRIDE * (i, j) + 0.5."""


@dataclass(frozen=True)
class LayoutSpec:
    """The maps of a layout.

    In order: `centre`, `offset-0`, `offset-1`, `foreground`, a class map per class, a density per class.

    Attributes
    ----------
    classes : names of the classes.
    diameter : typical cell diameter (image pixels) at which layouts are made; offsets are in units of it.
    density_sigma : width of a cell in the density maps, in cell diameters.
    """

    classes: tuple[str, ...]
    diameter: float
    density_sigma: float = 0.12

    @property
    def names(self) -> tuple[str, ...]:
        """Name of every channel."""
        classes = self.classes
        return (
            "centre",
            "offset-0",
            "offset-1",
            "foreground",
            *(f"class-{name}" for name in classes),
            *(f"density-{name}" for name in classes),
        )

    @property
    def channels(self) -> int:
        return 4 + 2 * len(self.classes)

    centre = 0
    offset = slice(1, 3)
    foreground = 3

    @property
    def class_maps(self) -> slice:
        return slice(4, 4 + len(self.classes))

    @property
    def density(self) -> slice:
        return slice(4 + len(self.classes), 4 + 2 * len(self.classes))
