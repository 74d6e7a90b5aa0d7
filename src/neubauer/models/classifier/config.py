"""What a classifier file says beside its weights."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Method = Literal["network", "cnn", "svm", "forest"]
UNKNOWN = "unknown"


class ClassifierConfig(BaseModel):
    """Everything needed to rebuild and run a classifier.

    Attributes
    ----------
    classes : names, in the order of the probabilities.
    channels : of the images.
    method : what decides, see `CellClassifier`.
    size : side (pixels) of the square that it sees.
    side : typical side (pixels) of the training images.
    diameter : typical diameter (pixels) of the cells in the training images.
    limits, dtype : intensities of the training images that -1 and 1 mean, per channel, and their data type.
    widths, depths, stem_stride : of the network.
    temperature : what logits are divided by, so that probabilities are right on average (Guo et al., ICML 2017).
    threshold : probability below which a cell is called unknown.
    refines : classes of a counter whose objects this classifier tells apart; empty: all.
    training : facts about how it was trained, for people.
    """

    model_config = ConfigDict(extra="forbid")
    classes: tuple[str, ...] = Field(min_length=2)
    channels: int = Field(ge=1)
    method: Method = "network"
    size: int = Field(ge=16)
    side: float = Field(gt=0)
    diameter: float = Field(gt=0)
    limits: tuple[tuple[float, float], ...]
    dtype: str
    widths: tuple[int, ...] = (16, 48, 96, 192)
    depths: tuple[int, ...] = (2, 3, 2)
    stem_stride: Literal[1, 2] = 2
    temperature: float = Field(default=1.0, gt=0)
    threshold: float = Field(default=0.5, ge=0, le=1)
    refines: tuple[str, ...] = ()
    training: dict[str, object] = Field(default_factory=dict)
