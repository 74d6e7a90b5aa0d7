"""How many: counts of what was found in an image, and in parts of it, with intervals, and reasons to doubt them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from neubauer.cells.table import CountEstimate, Unfamiliar
from neubauer.models.counter.config import CounterConfig
from neubauer.models.counter.interval import estimate
from neubauer.models.counter.layout import BLOCK, Layout
from neubauer.models.counter.shift import STRANGE, shift
from neubauer.models.counter.strangeness import Known, strangeness


@dataclass(frozen=True)
class ImageCounts:
    """What a counter says of the numbers of cells in one image.

    Attributes
    ----------
    config : of the counter.
    known : what it has seen in training; None where it does not know.
    layout : of the image.
    """

    config: CounterConfig
    known: Known | None
    layout: Layout

    @cached_property
    def distances(self) -> np.ndarray | None:
        """(By, Bx) distance of each block from the training images, usual: up to 1."""
        return None if self.known is None else self.known.distances(self.layout.features)

    @cached_property
    def strangeness(self) -> float | None:
        """That of the image."""
        return None if self.distances is None else strangeness(self.distances)

    @property
    def is_strange(self) -> bool:
        """Whether the image is unlike all that is known."""
        return self.strangeness is not None and self.strangeness > STRANGE

    def unfamiliar(self, stride: int) -> Unfamiliar | None:
        """Where the image is strange, if it is strange at all; `stride` is that of the network."""
        if self.distances is None or not self.is_strange:
            return None
        zoom = (whole / n for whole, n in zip(self.layout.shape, self.layout.scaled_shape, strict=True))
        down, across = (BLOCK * stride * z for z in zoom)
        return Unfamiliar(self.distances > STRANGE, (down, across))

    def estimates(self, class_index: np.ndarray, sums: np.ndarray) -> dict[str, CountEstimate]:
        """Counts with intervals per class and in total.

        Parameters
        ----------
        class_index : (N,) class of each object of the image, or of a part of it.
        sums : (K,) sums of the density of each class there.
        """
        calibration = self.config.calibration
        by = {"peaks": self.objects(class_index), "density": self.density(sums)}
        distance = self.strangeness
        off = 0.0 if distance is None or self.known is None else shift(distance / self.known.middle)
        return {
            name: estimate(by[method][name], calibration.interval_width[name], off, self.is_strange)
            for name, method in calibration.count_method.items()
        }

    def flags(self, estimates: dict[str, CountEstimate], class_index: np.ndarray) -> list[str]:
        """Reasons to look at the image by eye; `estimates` and `class_index` are those of the whole of it."""
        flags = []
        if self.is_strange:
            flags.append(
                f"unlike the images this model has learnt: {self.strangeness:.2f} times as far from them as is usual "
                "among them"
            )
        objects, density = self.objects(class_index)["total"], self.density(self.layout.density_sums)["total"]
        difference = abs(objects - density) / np.sqrt(estimates["total"].count + 1)
        if difference > self.config.calibration.disagreement:
            flags.append(f"objects ({objects:.0f}) and density ({density:.1f}) disagree")
        doubts = self.config.training.get("doubts")
        return flags + ([f"label-free training left a doubt: {d}" for d in doubts] if isinstance(doubts, list) else [])

    def objects(self, class_index: np.ndarray) -> dict[str, float]:
        """Objects per class and in total."""
        numbers = np.bincount(class_index, minlength=len(self.config.classes)).astype(float)
        return dict(zip(self.config.classes, numbers.tolist(), strict=True)) | {"total": float(len(class_index))}

    def density(self, sums: np.ndarray) -> dict[str, float]:
        """Counts per class and in total by density, corrected as found on validation images."""
        raw = dict(zip(self.config.classes, sums.tolist(), strict=True)) | {"total": float(sums.sum())}
        factor = self.config.calibration.density_factor
        return {name: count * factor.get(name, 1.0) for name, count in raw.items()}
