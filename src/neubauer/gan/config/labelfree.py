"""What training without annotations can be told."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from neubauer.errors import InputError
from neubauer.gan.config.base import MonitorConfig, OptimizerConfig, Strict, TrainingConfig, nearest
from neubauer.gan.losses import LOSSES


class PainterConfig(Strict):
    """The game that turns drawn cells into real-looking ones (`neubauer.gan.games.image_layout`).

    Attributes
    ----------
    steps : of the game; 0 leaves it out. It did not make counters better where it was measured (docs/labelfree.md);
        400 are enough for paintings that look real at a glance.
    side : of the crops, pixels at the scale of the layout.
    style : numbers that decide what the layout leaves open.
    widths, depths : of the painter.
    critic_widths : of the discriminators.
    loss : a name in `neubauer.gan.losses.LOSSES`.
    find_weight : of finding the layout again in the painting.
    keep_weight : of the mean absolute difference between painting and rendering.
    layout_weight : of the discriminator of layouts; 0 leaves it out.
    jitter : largest deviation of the noise that is laid over paintings before the segmenter sees them, so that the
        painter cannot tell it anything that a person would not see.
    instance_noise : deviation of the noise that is laid over all that discriminators see.
    """

    steps: Annotated[int, Field(ge=0)] = 0
    batch_size: Annotated[int, Field(ge=1)] = 8
    side: Annotated[int, Field(ge=32, multiple_of=16)] = 96
    style: Annotated[int, Field(ge=1)] = 4
    widths: tuple[int, ...] = (32, 48, 64)
    depths: tuple[int, ...] = (1, 1, 1)
    critic_widths: tuple[int, ...] = (32, 64, 96)
    loss: str = "hinge"
    find_weight: Annotated[float, Field(ge=0)] = 1.0
    keep_weight: Annotated[float, Field(ge=0)] = 0.5
    layout_weight: Annotated[float, Field(ge=0)] = 0.0
    jitter: Annotated[float, Field(ge=0)] = 0.1
    instance_noise: Annotated[float, Field(ge=0)] = 0.05
    learning_rate: Annotated[float, Field(gt=0)] = 5e-4

    @field_validator("loss")
    @classmethod
    def _loss(cls, value: str) -> str:
        if value not in LOSSES:
            raise InputError("loss", repr(value), nearest(value, LOSSES))
        if LOSSES[value].pairs:
            raise InputError("loss", repr(value), "a loss that does not compare real and painted images one by one")
        return value

    def training(self, seed: int) -> TrainingConfig:
        """As the trainer takes it."""
        optimizer = OptimizerConfig(learning_rate=self.learning_rate, beta1=0.5, schedule="linear")
        return TrainingConfig(
            seed=seed,
            steps=max(self.steps, 1),
            batch_size=self.batch_size,
            generator=optimizer,
            discriminator=optimizer.model_copy(update={"learning_rate": 2 * self.learning_rate}),
            average_decay=0.99,
            log_every=25,
            preview_every=200,
            checkpoint_every=10_000,
            monitor=MonitorConfig(every=0),
        )


class LabelFreeConfig(Strict):
    """Training a counter from images alone.

    Attributes
    ----------
    background : brighter or darker than the cells; found in the images where it is not said.
    population, appearance : what is known of the cells and their looks, as nested tables laid over what is estimated
        from the images (`neubauer.layouts.simulator.estimate`).
    renderings : simulated images to train on.
    side : of these at most, pixels at the scale of the layout.
    images : real images that are used, at most.
    warm_steps : on renderings alone, before anything else.
    refits : how often the simulator is fitted anew to what is found in the images.
    rounds : of self-training, each from the labels that the last one found in the real images.
    share : of the real images among the images trained on, in self-training.
    steps, batch, crop : of the training after the warm start; the steps are divided among the rounds.
    twin_steps : of a second last network with another seed, by which the first one is judged; 0 leaves it out.
    """

    recipe: str = "custom"
    description: str = ""
    source: str = ""
    game: Literal["labelfree"] = "labelfree"
    background: Literal["bright", "dark"] | None = None
    population: dict[str, Any] = Field(default_factory=dict)
    appearance: dict[str, Any] = Field(default_factory=dict)
    renderings: Annotated[int, Field(ge=4)] = 160
    side: Annotated[int, Field(ge=64, multiple_of=16)] = 192
    images: Annotated[int, Field(ge=1)] = 100
    warm_steps: Annotated[int, Field(ge=1)] = 400
    refits: Annotated[int, Field(ge=0)] = 1
    rounds: Annotated[int, Field(ge=0)] = 1
    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    steps: Annotated[int, Field(ge=1)] = 800
    twin_steps: Annotated[int, Field(ge=0)] = 400
    batch: Annotated[int, Field(ge=1)] = 8
    crop: Annotated[int, Field(ge=32, multiple_of=16)] = 128
    painter: PainterConfig = PainterConfig()

    @property
    def round_steps(self) -> int:
        """Of each round."""
        return max(self.steps // max(self.rounds, 1), 1)

    @property
    def total_steps(self) -> int:
        """Of all stages together."""
        return self.warm_steps + self.painter.steps + self.round_steps * max(self.rounds, 1) + self.twin_steps
