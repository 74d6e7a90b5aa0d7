"""What the game that fills in holes can be told."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from neubauer.gan.config.base import Strict, TrainingConfig


class InpaintingConfig(Strict):
    """A network that fills in holes against a discriminator of patches.

    Attributes
    ----------
    recipe, description, source : name of the recipe, what it is, where it comes from.
    crop : side of the training crops, pixels; smaller where the images are.
    widths, depths : of the network, see `neubauer.nets.inpainting.InpaintingNet`.
    critic_widths : of the discriminator, see `neubauer.nets.patch.PatchDiscriminator`.
    holes : smallest and largest share of a crop that is cut out.
    reconstruction : weight of the mean absolute difference from the truth in holes, in deviations of the images.
    adversarial : weight of the adversarial loss of the generator.
    warmup : share of the steps in which there is no adversarial loss.
    """

    recipe: str = "custom"
    description: str = ""
    source: str = ""
    game: Literal["inpainting"] = "inpainting"
    crop: Annotated[int, Field(ge=32, multiple_of=32)] = 96
    widths: tuple[int, ...] = (48, 64, 96, 128)
    depths: tuple[int, ...] = (1, 1, 2, 4)
    critic_widths: tuple[int, ...] = (32, 64, 96)
    holes: tuple[float, float] = (0.05, 0.35)
    reconstruction: Annotated[float, Field(ge=0)] = 1.0
    adversarial: Annotated[float, Field(ge=0)] = 0.03
    warmup: Annotated[float, Field(ge=0, le=1)] = 0.7
    training: TrainingConfig = TrainingConfig()
