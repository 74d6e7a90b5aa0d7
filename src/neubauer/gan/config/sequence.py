"""The config of the game that makes sequences."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from neubauer.errors import InputError
from neubauer.gan.config.base import Strict, TrainingConfig, nearest
from neubauer.gan.losses import LOSSES


class ResidualConfig(Strict):
    """A one-dimensional residual network (`neubauer.nets.sequence`)."""

    width: Annotated[int, Field(ge=1)] = 100
    blocks: Annotated[int, Field(ge=1)] = 5
    kernel: Annotated[int, Field(ge=1)] = 5
    residual_scale: Annotated[float, Field(gt=0)] = 0.3

    @field_validator("kernel")
    @classmethod
    def _kernel(cls, value: int) -> int:
        if value % 2 == 0:
            raise InputError("kernel", str(value), "an odd number")
        return value


class GeneratorConfig(ResidualConfig):
    """`draft`: order of the Markov chain whose sequences the generator edits; 0: it starts from the noise alone."""

    draft: Annotated[int, Field(ge=0, le=6)] = 0


class SequenceGanConfig(Strict):
    """A generator of sequences against a critic.

    Attributes
    ----------
    recipe, description, source : what it is and where it comes from.
    latent : length of the latent vector.
    loss : a name in `neubauer.gan.losses.LOSSES`.
    gradient_penalty : weight (`neubauer.gan.regularizers.gradient_penalty`); 0: off.
    penalty_every : apply it every so many steps, with that many times the weight.
    spectrum : weight of `spectrum_loss`, which matches the k-mers of the generated sequences to those of the training
        sequences; 0: off.
    spectrum_k : length of these k-mers.
    holdout : share of the sequences that is kept from training, for the monitor.
    """

    game: Literal["sequence-gan"] = "sequence-gan"
    recipe: str = "custom"
    description: str = ""
    source: str = ""
    latent: Annotated[int, Field(ge=1)] = 100
    generator: GeneratorConfig = GeneratorConfig()
    discriminator: ResidualConfig = ResidualConfig()
    loss: str = "wasserstein"
    gradient_penalty: Annotated[float, Field(ge=0)] = 10.0
    penalty_every: Annotated[int, Field(ge=1)] = 1
    spectrum: Annotated[float, Field(ge=0)] = 0.0
    spectrum_k: Annotated[int, Field(ge=1, le=5)] = 4
    holdout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    training: TrainingConfig = TrainingConfig()

    @field_validator("loss")
    @classmethod
    def _loss(cls, value: str) -> str:
        if value not in LOSSES:
            raise InputError("loss", repr(value), nearest(value, LOSSES))
        return value
