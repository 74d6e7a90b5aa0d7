"""A discriminator that judges patches, of images as well as of layouts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class PatchCritic(nn.Sequential):
    """(N, C, Y, X) -> a map of scores (N, 1, Y', X'), each of a patch.

    Convolutions of stride 2 with leaky ReLU and no normalisation, after Isola et al., CVPR 2017 (PatchGAN); with three
    widths a score sees 38 pixels, one or two cells.

    Parameters
    ----------
    channels : C.
    widths : channels of each stage of stride 2.
    """

    def __init__(self, channels: int, widths: Sequence[int] = (32, 64, 96)) -> None:
        layers: list[nn.Module] = []
        for fine, coarse in pairwise((channels, *widths)):
            layers += [nn.Conv2d(fine, coarse, 4, 2, 1), nn.LeakyReLU(0.2)]
        super().__init__(*layers, nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)
