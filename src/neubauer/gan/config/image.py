"""The configs of the games that make images from noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from neubauer.errors import InputError
from neubauer.gan.config.base import AugmentConfig, Strict, TrainingConfig, nearest, validate
from neubauer.gan.losses import LOSSES
from neubauer.nets.conditional import Conditioning
from neubauer.nets.registry import BACKBONES, GENERATORS, options_schema


class GenerativeConfig(Strict):
    """What every generator of images has: a name and a source, a latent space, networks, training.

    `generator` (and the networks of the sub-classes) are tables: `net`, the name of a network, and the keyword
    arguments of its constructor (see `neubauer.nets.registry`). Missing ones are filled in with their defaults.
    `holdout` is the share of the images that is kept from training, for the monitor.
    """

    recipe: str = "custom"
    description: str = ""
    source: str = ""
    latent: Annotated[int, Field(ge=1)] = 100
    generator: Annotated[dict[str, Any], Field(validate_default=True, default_factory=lambda: {"net": "dcgan"})]
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    training: TrainingConfig = TrainingConfig()

    @field_validator("generator", mode="after")
    @classmethod
    def _generator(cls, value: dict[str, Any]) -> dict[str, Any]:
        return network_options("generator", value, GENERATORS)


class ImageGanConfig(GenerativeConfig):
    """A generator against a discriminator.

    Attributes
    ----------
    conditioning : how the class enters the discriminator, see `neubauer.nets.conditional.Discriminator` (the
        generator gets it as an embedding or in its normalisation); `auto`: `discriminative` where the images have
        classes, else `none`.
    loss : a name in `neubauer.gan.losses.LOSSES`.
    label_smoothing : see there.
    r1, r2, gradient_penalty : weights of the penalties in `neubauer.gan.regularizers`; 0: off.
    penalty_every : apply the penalties every so many steps, with that many times the weight (lazy regularisation,
        Karras et al. 2020).
    spectral_norm : in the discriminator.
    feature_matching : weight of that loss of the generator.
    mode_seeking : weight of that loss of the generator, where it knows classes.
    instance_noise : deviation of the noise at the first step; falls linearly to 0 at the last.
    auxiliary : weight of the loss of the discriminator's classifier, where it has one.
    """

    game: Literal["image-gan"] = "image-gan"
    discriminator: Annotated[dict[str, Any], Field(validate_default=True, default_factory=lambda: {"net": "dcgan"})]
    conditioning: Conditioning | Literal["auto"] = "none"
    loss: str = "nonsaturating"
    label_smoothing: Annotated[float, Field(ge=0, lt=0.5)] = 0.0
    r1: Annotated[float, Field(ge=0)] = 0.0
    r2: Annotated[float, Field(ge=0)] = 0.0
    gradient_penalty: Annotated[float, Field(ge=0)] = 0.0
    penalty_every: Annotated[int, Field(ge=1)] = 1
    spectral_norm: bool = False
    feature_matching: Annotated[float, Field(ge=0)] = 0.0
    mode_seeking: Annotated[float, Field(ge=0)] = 0.0
    instance_noise: Annotated[float, Field(ge=0)] = 0.0
    auxiliary: Annotated[float, Field(ge=0)] = 1.0
    augment: AugmentConfig = AugmentConfig()

    @field_validator("discriminator", mode="after")
    @classmethod
    def _discriminator(cls, value: dict[str, Any]) -> dict[str, Any]:
        return network_options("discriminator", value, BACKBONES)

    @field_validator("loss")
    @classmethod
    def _loss(cls, value: str) -> str:
        if value not in LOSSES:
            raise InputError("loss", repr(value), nearest(value, LOSSES))
        return value

    @model_validator(mode="after")
    def _fits(self) -> ImageGanConfig:
        loss = LOSSES[self.loss]
        if self.label_smoothing and not loss.has_labels:
            raise InputError(
                "label_smoothing", f"loss = {self.loss!r}, which has no labels", "a loss with labels, or 0"
            )
        if self.augment.adaptive and loss.threshold is None:
            raise InputError(
                "augment.adaptive", f"loss = {self.loss!r}, whose scores have no zero", "a fixed probability"
            )
        return self


class VaeConfig(GenerativeConfig):
    """A variational autoencoder. `beta`: weight of the divergence from the prior, in units of the exact bound."""

    game: Literal["vae"] = "vae"
    encoder: Annotated[dict[str, Any], Field(validate_default=True, default_factory=lambda: {"net": "dcgan"})]
    beta: Annotated[float, Field(ge=0)] = 1.0

    @field_validator("encoder", mode="after")
    @classmethod
    def _encoder(cls, value: dict[str, Any]) -> dict[str, Any]:
        return network_options("encoder", value, BACKBONES)


def network_options(section: str, value: Mapping[str, Any], networks: Mapping[str, Any]) -> dict[str, Any]:
    """`net` and all options of that network, checked and with defaults filled in."""
    options = dict(value)
    net = options.pop("net", None)
    if net not in networks:
        raise InputError(f"{section}.net", repr(net), nearest(str(net), networks))
    return {"net": net, **validate(options_schema(networks[net]), options, section).model_dump()}
