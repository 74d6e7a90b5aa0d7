"""The network behind the classifier: one cell, one class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from neubauer.nets.blocks import ConvNormAct, SeparableBlock

Norm = Literal["batch", "group"]
GROUPS = 8
SMALLEST = 16
"""Pixels that the shorter side of an image needs to have."""


class CellNet(nn.Module):
    """Compact classifier of images of single cells: 0.6 million parameters, 21 million multiplications for 64 x 64 px.

    Two convolutions with stride reduce the image four times before the first block, then come stages of depthwise-
    separable residual blocks (the inverted bottleneck of ConvNeXt, Liu et al., CVPR 2022) at a quarter, an eighth and
    a sixteenth of the size. Nothing is computed at full resolution, which is what makes it fast on a CPU.

    Parameters
    ----------
    channels, classes : of the images, and number of logits.
    widths : channels of the stem and of each stage; multiples of 8.
    depths : blocks of each stage.
    hidden : number of features.
    dropout : of the features.
    stem_stride : of the very first convolution; 1 for images below about 40 px.
    norm : `"batch"` folds into the convolutions and costs nothing when it predicts; `"group"` (Wu & He, ECCV 2018)
        treats every image by itself, so that real, unlabelled and generated images may share a batch.
    """

    def __init__(
        self,
        channels: int,
        classes: int,
        *,
        widths: Sequence[int] = (16, 48, 96, 192),
        depths: Sequence[int] = (2, 3, 2),
        hidden: int = 256,
        dropout: float = 0.1,
        stem_stride: Literal[1, 2] = 2,
        norm: Norm = "batch",
    ) -> None:
        super().__init__()
        stem, first, *_ = widths
        layers: list[nn.Module] = [ConvNormAct(channels, stem, 3, stem_stride), ConvNormAct(stem, first, 3, 2)]
        for i, (width, depth) in enumerate(zip(widths[1:], depths, strict=True)):
            if i:
                layers.append(nn.Conv2d(widths[i], width, 2, 2))
            layers += [SeparableBlock(width) for _ in range(depth)]
        layers.append(ConvNormAct(widths[-1], hidden, 1))
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(hidden, classes)
        if norm == "group":
            _group_norms(self.body)

    def features(self, x: Tensor) -> Tensor:
        """(N, C, Y, X) -> (N, hidden), not negative; images from 16 x 16 px."""
        return self.body(x).mean((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, Y, X) in [-1, 1] -> logits (N, classes)."""
        return self.head(self.dropout(self.features(x)))


def _group_norms(body: nn.Module) -> None:
    """Replace every batch normalisation, in place."""
    for block in body.modules():
        if isinstance(block, ConvNormAct):
            block[1] = nn.GroupNorm(GROUPS, block[0].out_channels)  # type: ignore[arg-type]
        elif isinstance(block, SeparableBlock):
            block.norm = nn.GroupNorm(GROUPS, block.depthwise.out_channels)


class PlainNet(nn.Module):
    """Three convolutions with pooling and two dense layers: the plain network of the textbooks, to compare with.

    Parameters
    ----------
    channels, classes : of the images, and number of logits.
    widths : channels of the convolutions.
    hidden : number of features.
    """

    def __init__(
        self, channels: int, classes: int, *, widths: Sequence[int] = (32, 64, 128), hidden: int = 128
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for a, b in zip((channels, *widths[:-1]), widths, strict=True):
            layers += [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2)]
        layers += [nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * widths[-1], hidden), nn.ReLU(inplace=True)]
        self.body = nn.Sequential(*layers)
        self.dropout = nn.Dropout(0.5)
        self.head = nn.Linear(hidden, classes)

    def features(self, x: Tensor) -> Tensor:
        """(N, C, Y, X) -> (N, hidden); images from 8 x 8 px."""
        return self.body(x)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, Y, X) in [-1, 1] -> logits (N, classes)."""
        return self.head(self.dropout(self.features(x)))
