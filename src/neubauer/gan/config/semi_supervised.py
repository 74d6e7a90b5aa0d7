"""The configs of the games that train a classifier on few labelled and many unlabelled images."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from neubauer.gan.config.base import Strict, TrainingConfig
from neubauer.gan.config.image import network_options
from neubauer.nets.registry import GENERATORS


class SemiSupervisedConfig(Strict):
    """What all of these games have in common.

    Attributes
    ----------
    labelled_batch : labelled images per step; `training.batch_size` is the number of unlabelled ones.
    average : decay of the moving average of the classifier's weights, which is the teacher and the result.
    weight : of the loss of the unlabelled images.
    ramp : share of the steps over which that weight rises (as exp(-5 (1 - t)^2), Laine & Aila, ICLR 2017).
    alignment : how far the teacher's classes are brought to equal numbers of each: 0 not, 1 wholly.
    """

    recipe: str = "custom"
    description: str = ""
    source: str = ""
    labelled_batch: Annotated[int, Field(ge=1)] = 40
    average: Annotated[float, Field(ge=0, lt=1)] = 0.99
    weight: Annotated[float, Field(ge=0)] = 1.0
    ramp: Annotated[float, Field(ge=0, le=1)] = 0.0
    alignment: Annotated[float, Field(ge=0, le=1)] = 0.0
    training: TrainingConfig = TrainingConfig()


class ControlConfig(SemiSupervisedConfig):
    """A classifier without an adversary. `threshold`: probability from which FixMatch takes a pseudo-label."""

    game: Literal["supervised", "pseudo-label", "mean-teacher", "fixmatch"]
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.95


class AdversarialClassifierConfig(SemiSupervisedConfig):
    """A classifier that is the discriminator of an image generator.

    Attributes
    ----------
    latent, image_generator : of the adversary, as in `GenerativeConfig`.
    adversarial : weight of telling real from generated.
    generated_batch : generated images per step.
    input_noise : deviation of the noise on everything that the discriminator sees.
    layer_noise : deviation of the noise on the input of each of its blocks, in deviations of that input.
    threshold : probability from which a pseudo-label is taken (`adversarial-consistency` only).
    """

    game: Literal["feature-matching", "adversarial-consistency"]
    latent: Annotated[int, Field(ge=1)] = 100
    image_generator: Annotated[dict[str, Any], Field(validate_default=True, default_factory=lambda: {"net": "dcgan"})]
    adversarial: Annotated[float, Field(ge=0)] = 1.0
    generated_batch: Annotated[int, Field(ge=1)] = 100
    input_noise: Annotated[float, Field(ge=0)] = 0.0
    layer_noise: Annotated[float, Field(ge=0)] = 0.0
    threshold: Annotated[float, Field(ge=0, lt=1)] = 0.95

    @field_validator("image_generator", mode="after")
    @classmethod
    def _generator(cls, value: dict[str, Any]) -> dict[str, Any]:
        return network_options("image_generator", value, GENERATORS)
