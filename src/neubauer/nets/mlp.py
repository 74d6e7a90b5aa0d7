"""Fully connected generator and discriminator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from neubauer.nets.conditional import LatentInput
from neubauer.nets.shapes import ImageShape, Output, OutputActivation

Norm = Literal["none", "batch", "layer"]


def _dense(
    features: int, hidden: Sequence[int], norm: Norm, norm_first: bool, slope: float, dropout: float = 0.0
) -> nn.Sequential:
    layers: list[nn.Module] = []
    for i, width in enumerate(hidden):
        normed = norm != "none" and (i > 0 or norm_first)
        layers.append(nn.Linear(features, width, bias=not normed))
        if normed:
            layers.append(nn.BatchNorm1d(width) if norm == "batch" else nn.LayerNorm(width))
        layers.append(nn.LeakyReLU(slope))
        if dropout:
            layers.append(nn.Dropout(dropout))
        features = width
    return nn.Sequential(*layers)


class MlpGenerator(nn.Module):
    """latent -> dense layers -> image. (N, L)[, (N,) classes] -> (N, C, Y, X) in [-1, 1].

    Parameters
    ----------
    shape : (C, Y, X) of the images.
    latent : length L of the latent vector.
    classes : number of classes, 0 for none.
    hidden : widths of the hidden layers.
    norm : of every hidden layer.
    slope : of the leaky ReLU.
    output : last activation.
    """

    def __init__(
        self,
        shape: ImageShape,
        latent: int,
        classes: int = 0,
        *,
        hidden: list[int] = [128, 128],  # noqa: B006 (never changed)
        norm: Norm = "none",
        slope: float = 0.2,
        output: OutputActivation = "tanh",
    ) -> None:
        super().__init__()
        self.shape = shape
        self.input = LatentInput(latent, classes)
        self.hidden = _dense(self.input.out, hidden, norm, True, slope)
        self.last = nn.Linear(hidden[-1], math.prod(shape))
        self.output = Output(output)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        return self.output(self.last(self.hidden(self.input(z, label)))).unflatten(1, self.shape)


class MlpBackbone(nn.Module):
    """image -> dense layers. (N, C, Y, X) -> (N, `features`).

    Parameters as `MlpGenerator`, but the first layer is never normalised: the scale of the images must stay visible.
    """

    def __init__(
        self,
        shape: ImageShape,
        *,
        hidden: list[int] = [128, 128],  # noqa: B006 (never changed)
        norm: Norm = "none",
        slope: float = 0.2,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.features = hidden[-1]
        self.hidden = _dense(math.prod(shape), hidden, norm, False, slope, dropout)

    def forward(self, x: Tensor) -> Tensor:
        return self.hidden(x.flatten(1))
