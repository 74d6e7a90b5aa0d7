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


COARSEST = 5
"""Levels of the pyramid by which holes are filled in smoothly: the coarsest cells have 2^5 pixels."""


def smooth_fill(image: Tensor, holes: Tensor) -> Tensor:
    """Fill holes with the means of what is known around, by a pyramid. Gortler et al., SIGGRAPH 1996 (pull-push).

    Parameters
    ----------
    image : (N, C, Y, X), sides multiples of 2^5.
    holes : (N, 1, Y, X), 1 in holes.

    Returns
    -------
    (N, C, Y, X) : the image outside of the holes.
    """
    values, known = [image * (1 - holes)], [1 - holes]
    for _ in range(COARSEST):
        values.append(F.avg_pool2d(values[-1], 2))
        known.append(F.avg_pool2d(known[-1], 2))
    filled = values[-1] / known[-1].clamp_min(1e-6)
    for value, weight in zip(values[-2::-1], known[-2::-1], strict=True):
        coarse = F.interpolate(filled, scale_factor=2, mode="bilinear", align_corners=False)
        filled = torch.where(weight > 0, value / weight.clamp_min(1e-6), coarse)
    return filled


class InpaintingNet(nn.Module):
    """Image, holes and noise to an image: (N, C, Y, X), (N, 1, Y, X), (N, 1, Y, X) -> (N, C, Y, X).

    What a small U-Net of gated convolutions adds to a smooth filling. It folds pixels two by two at first, and has
    dilated convolutions at the coarsest level, so that a pixel in the middle of a hole sees its surroundings. No
    normalisation: a tile gives what the whole image gives.

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
        last = self.head[-1]
        assert isinstance(last, nn.Conv2d)
        nn.init.normal_(last.weight, std=1e-3)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    @property
    def stride(self) -> int:
        """Sides of the input are multiples of this (pixels)."""
        return 2 ** max(self.levels, COARSEST)

    @property
    def halo(self) -> int:
        """How far (pixels, a multiple of `stride`) an output pixel can see: the overlap that tiles need."""
        reach = 2 * 3 + sum(2**level * 4 for level in range(1, self.levels + 1)) + 2**self.levels * sum(self.dilations)
        smooth = 2 * 2**COARSEST  # bilinear interpolation of the coarsest cells, then of the next ...
        return -(-(reach + smooth) // self.stride) * self.stride

    def forward(self, image: Tensor, holes: Tensor, noise: Tensor) -> Tensor:
        seen = smooth_fill(image.float(), holes.float())
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
        return seen + self.shuffle(self.head(x)).float()
