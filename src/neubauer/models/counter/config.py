"""What a counter file says beside its weights."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

CountMethod = Literal["peaks", "density"]


class Calibration(BaseModel):
    """Found on validation images.

    Attributes
    ----------
    centre, foreground : thresholds of the decoder, per class.
    score : intercept and the two weights of the logistic regression that turns an object's features into a probability
        (Platt 1999).
    count_method : per class, and for `"total"`, which count was nearer to the truth.
    interval_width : likewise, half width of the interval in units of `neubauer.models.counter.interval.unit`.
    density_factor : per class and for `"total"`, what the density count is multiplied with, so that it is right on
        average.
    disagreement : largest difference of the two totals, in units of sqrt(count + 1), that is not worth a flag.
    images : validation images that all this rests on.
    scores : how good the counter was on them.
    """

    model_config = ConfigDict(extra="forbid")
    centre: tuple[float, ...] = ()
    foreground: tuple[float, ...] = ()
    score: tuple[float, float, float] = (0.0, 1.0, 0.0)
    count_method: dict[str, CountMethod] = Field(default_factory=dict)
    interval_width: dict[str, float] = Field(default_factory=dict)
    density_factor: dict[str, float] = Field(default_factory=dict)
    disagreement: float = 2.0
    images: int = 0
    scores: dict[str, float] = Field(default_factory=dict)


class CounterConfig(BaseModel):
    """Everything needed to rebuild and run a counter.

    Attributes
    ----------
    classes : names, in the order of the maps.
    channels : of the images.
    widths, depths : of the network.
    density_sigma : width of a cell in the density maps, in cell diameters.
    layout_diameter : cell diameter (pixels) at which the network sees images.
    diameter : typical cell diameter (pixels) in the training images; where a new image's is neither given nor
        measurable, this is used.
    diameter_range : smallest and largest typical diameter among the training images.
    extents : whether outlines were learnt (masks, boxes) or only positions (points).
    percentiles : intensities between which an image is normalised.
    calibration : see there.
    training : facts about how it was trained, for people.
    """

    model_config = ConfigDict(extra="forbid")
    classes: tuple[str, ...]
    channels: int
    widths: tuple[int, ...] = (32, 48, 64, 96)
    depths: tuple[int, ...] = (1, 1, 2, 2)
    layout_diameter: float = 24.0
    density_sigma: float = 0.12
    diameter: float
    diameter_range: tuple[float, float]
    extents: bool
    percentiles: tuple[float, float] = (1.0, 99.8)
    calibration: Calibration = Field(default_factory=Calibration)
    training: dict[str, object] = Field(default_factory=dict)
