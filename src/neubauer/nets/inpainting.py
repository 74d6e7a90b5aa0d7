"""A network that fills in holes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class GatedConv(nn.Module):
    """Convolution whose output is gated by another one: the network learns where there is something to rely on.

    Yu et al., ICCV 2019, section 3.1. (N, C, Y, X) -> (N, C', Y / stride, X / stride).
    """

    def __init__(self, channels: int, out_channels: int, kernel: int = 3, stride: int = 1, dilation: int = 1) -> None:
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.conv = nn.Conv2d(channels, 2 * out_channels, kernel, stride, padding, dilation)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.conv(x).chunk(2, 1)
        return F.leaky_relu(value, 0.2) * gate.sigmoid()


class InpaintingNet(nn.Module):
    """Image, holes and noise to an image: (N, C, Y, X), (N, 1, Y, X), (N, 1, Y, X) -> (N, C, Y, X), in [-1, 1].

    A small U-Net of gated convolutions that folds pixels two by two at first, with dilated convolutions at the coarsest
    level, so that a pixel in the middle of a hole sees its surroundings. No normalisation: a tile gives what the whole
    image gives.

    Parameters
    ----------
    channels : C.
    widths : channels of each level, finest first (half of the resolution).
    dilations : of the convolutions at the coarsest level.
    """

    def __init__(
        self, channels: int, *, widths: Sequence[int] = (32, 48, 64), dilations: Sequence[int] = (1, 2, 4, 8)
    ) -> None:
        super().__init__()
        self.levels, self.dilations = len(widths), tuple(dilations)
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), GatedConv(4 * (channels + 2), widths[0]))
        steps = list(pairwise(widths))
        self.down = nn.ModuleList(
            nn.Sequential(GatedConv(fine, coarse, stride=2), GatedConv(coarse, coarse)) for fine, coarse in steps
        )
        self.middle = nn.ModuleList(GatedConv(widths[-1], widths[-1], dilation=d) for d in dilations)
        self.up = nn.ModuleList(GatedConv(fine + coarse, fine) for fine, coarse in steps)
        self.head = nn.Sequential(GatedConv(widths[0], widths[0]), nn.Conv2d(widths[0], 4 * channels, 3, padding=1))
        self.shuffle = nn.PixelShuffle(2)

    @property
    def stride(self) -> int:
        """Sides of the input are multiples of this (pixels)."""
        return 2**self.levels

    @property
    def halo(self) -> int:
        """How far (pixels, a multiple of `stride`) an output pixel can see: the overlap that tiles need."""
        reach = 2 * 3 + sum(2**level * 4 for level in range(1, self.levels + 1)) + self.stride * sum(self.dilations)
        return -(-reach // self.stride) * self.stride

    def forward(self, image: Tensor, holes: Tensor, noise: Tensor) -> Tensor:
        seen = image * (1 - holes)
        x = self.stem(torch.cat([seen, holes, noise], 1))
        skips = [x]
        for down in self.down:
            x = down(x)
            skips.append(x)
        for block in self.middle:
            x = x + block(x)
        for level in reversed(range(len(self.up))):
            x = F.interpolate(x, scale_factor=2, mode="nearest")
            x = self.up[level](torch.cat([x, skips[level]], 1))
        return torch.tanh(self.shuffle(self.head(x)))
