"""How a counter is to be trained, whatever it learns from."""

from __future__ import annotations

from dataclasses import dataclass, field

from neubauer.models.counter.fit import FitSettings


@dataclass(frozen=True)
class TrainingPlan:
    """Sizes and shares of a training.

    Attributes
    ----------
    diameter : typical cell diameter in pixels of the training images; None: to be measured.
    settings : sizes and rates of the training.
    widths, depths : of the network, see `LayoutNet`.
    layout_diameter : cell diameter (pixels) at which the network sees the images.
    validation : share of the annotated images that is kept from training.
    """

    diameter: float | None = None
    settings: FitSettings = field(default_factory=FitSettings)
    widths: tuple[int, ...] = (32, 48, 64, 96)
    depths: tuple[int, ...] = (1, 1, 2, 2)
    layout_diameter: float = 24.0
    validation: float = 0.2
