"""What a translation does to the cells: kept, lost, invented."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from neubauer.errors import InputError
from neubauer.metrics.detection import match_points
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.shared.inputs import ImageLike, as_source
from neubauer.models.translator.predict import TrainedTranslator
from neubauer.models.translator.tiles import read_once

NEAR = 0.5
"""A cell is kept if there is one in the translation no farther away than this, in cell diameters."""
LIMIT = 0.02
"""Largest share of lost or invented cells of an image that is not flagged."""
FEW = 2
"""So many lost or invented cells are never flagged: among few cells, one is a large share."""


@dataclass(frozen=True)
class Drift:
    """Cells of one image before and after.

    Attributes
    ----------
    image : its name.
    before, after : cells counted.
    kept, lost, invented : of both, only before, only after.
    limit : share from which the image is flagged.
    """

    image: str
    before: int
    after: int
    kept: int
    limit: float = LIMIT

    @property
    def lost(self) -> int:
        return self.before - self.kept

    @property
    def invented(self) -> int:
        return self.after - self.kept

    @property
    def share(self) -> float:
        """Lost and invented cells, over the cells before (at least 1)."""
        return (self.lost + self.invented) / max(self.before, 1)

    @property
    def flag(self) -> str:
        """Why to look at this translation by eye; empty if there is no reason."""
        if self.lost + self.invented <= FEW or self.share <= self.limit:
            return ""
        return f"{self.lost} of {self.before} cells lost, {self.invented} invented"

    def row(self) -> dict[str, object]:
        """As a row of a table."""
        return {
            "image": self.image,
            "before": self.before,
            "after": self.after,
            "kept": self.kept,
            "lost": self.lost,
            "invented": self.invented,
            "flag": self.flag,
        }


@dataclass(frozen=True)
class Gate:
    """Checks translations with a counter.

    Attributes
    ----------
    counter : of the images before; and after, unless there is
    counter_after : one for those.
    limit : share of lost and invented cells from which an image is flagged.
    """

    counter: TrainedCounter
    counter_after: TrainedCounter | None = None
    limit: float = LIMIT

    def check(self, before: ImageLike, after: ImageLike) -> Drift:
        """Compare an image with its translation.

        Raises
        ------
        InputError : they differ in size, or a counter cannot read them.
        """
        sources = [as_source(before), as_source(after)]
        if sources[0].shape[1:] != sources[1].shape[1:]:
            raise InputError(sources[1].path, f"{sources[1].shape[1:]} pixels", f"{sources[0].shape[1:]}, as before")
        first = self.counter.predict(sources[0])
        diameter = float(first.info["diameter"])  # type: ignore[arg-type]
        second = (self.counter_after or self.counter).predict(sources[1], diameter=diameter)
        places = [c.table[["centroid-0", "centroid-1"]].to_numpy(float) for c in (first, second)]
        kept = match_points(places[0], places[1], NEAR * diameter)
        return Drift(sources[0].name, len(first), len(second), len(kept), self.limit)

    def check_all(self, translator: TrainedTranslator, images: Iterable[ImageLike], way: str = "a2b") -> list[Drift]:
        """Translate images and compare each with its translation."""
        sources = [as_source(image) for image in images]
        return [self.check(source, read_once(translator.source(source, way))) for source in sources]


def total_drift(drifts: Iterable[Drift]) -> float:
    """Lost and invented cells of all images, over the cells before."""
    found = list(drifts)
    return sum(d.lost + d.invented for d in found) / max(sum(d.before for d in found), 1)
