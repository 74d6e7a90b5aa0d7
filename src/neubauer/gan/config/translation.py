"""What the games between two domains of images can be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from neubauer.errors import InputError
from neubauer.gan.config.base import AugmentConfig, Strict, TrainingConfig, nearest
from neubauer.gan.losses import LOSSES


class TranslatorConfig(Strict):
    """What all games from A to B have.

    Attributes
    ----------
    game : which one.
    recipe, description, source : name of the recipe, what it is, where it comes from.
    crop : side of the training crops, pixels.
    tone_width, widths, depths : of the networks that translate, see `neubauer.nets.translator.TranslatorNet`.
    critic_widths : of the discriminators, see `neubauer.nets.patch.PatchDiscriminator`.
    spectral_norm : in the discriminators.
    loss : a name in `neubauer.gan.losses.LOSSES`.
    identity : weight of how much the network of A -> B may change images of B (mean absolute difference).
    augment : of what the discriminators see.
    """

    game: str
    recipe: str = "custom"
    description: str = ""
    source: str = ""
    crop: Annotated[int, Field(ge=32, multiple_of=16)] = 64
    tone_width: Annotated[int, Field(ge=1)] = 32
    widths: tuple[int, ...] = (32, 64, 96)
    depths: tuple[int, ...] = (1, 2, 2)
    critic_widths: tuple[int, ...] = (32, 64, 128)
    spectral_norm: bool = False
    loss: str = "least-squares"
    identity: Annotated[float, Field(ge=0)] = 0.0
    augment: AugmentConfig = AugmentConfig()
    training: TrainingConfig = TrainingConfig()

    @field_validator("loss")
    @classmethod
    def _loss(cls, value: str) -> str:
        if value not in LOSSES:
            raise InputError("loss", repr(value), nearest(value, LOSSES))
        if LOSSES[value].pairs:
            raise InputError("loss", repr(value), "a loss that does not compare real and translated images one by one")
        return value


class Pix2PixConfig(TranslatorConfig):
    """Pairs of images that show the same. `reconstruction`: weight of the mean absolute difference from the truth."""

    game: Literal["pix2pix"] = "pix2pix"
    reconstruction: Annotated[float, Field(ge=0)] = 50.0


class CycleGanConfig(TranslatorConfig):
    """Both ways at once. `cycle`: weight of the mean absolute difference of an image that went there and back."""

    game: Literal["cyclegan"] = "cyclegan"
    cycle: Annotated[float, Field(ge=0)] = 10.0


class CutConfig(TranslatorConfig):
    """One way, with what is where kept by contrast.

    Attributes
    ----------
    contrast : weight of the contrastive loss between places of the image and the same places of its translation.
    contrast_identity : the same for images of B, which the network should leave alone.
    temperature, patches : of that loss; places per image and level.
    """

    game: Literal["cut"] = "cut"
    contrast: Annotated[float, Field(ge=0)] = 1.0
    contrast_identity: Annotated[float, Field(ge=0)] = 1.0
    temperature: Annotated[float, Field(gt=0)] = 0.07
    patches: Annotated[int, Field(ge=2)] = 64


class ClassicalConfig(Strict):
    """A stain normalisation without a network, see `neubauer.images.stain_transfer`."""

    recipe: str = "custom"
    description: str = ""
    source: str = ""
    game: Literal["reinhard", "macenko"]
