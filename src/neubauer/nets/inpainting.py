"""A network that fills in holes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class ResidualBlock(nn.Module):
    """Two convolutions and the way around them, at first only the latter. (N, C, Y, X) -> the same.

    The channels of each pixel are normalised first, without which training diverges now and then.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x.movedim(1, -1)).movedim(-1, 1)
        return x + self.second(F.leaky_relu(self.first(y), 0.1))


class InpaintingNet(nn.Module):
    """An image with smoothly filled holes, and the holes, to an image: (N, C, Y, X) in [-1, 1], (N, 1, Y, X) -> (N, C,
    Y, X).

    A residual U-Net that adds what is missing. It folds pixels two by two at first. Nothing is normalised over places:
    a tile gives what the whole image gives.

    Parameters
    ----------
    channels : C.
    widths : channels of each level, finest first (half of the resolution).
    depths : residual blocks of each level, on the way down and again on the way up; of the last level once.

    Attributes
    ----------
    mean, spread : (C, 1, 1), of the images that it is for: what it sees is standardised by them.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, channels: int, *, widths: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        self.widths, self.depths = tuple(widths), tuple(depths)
        self.register_buffer("mean", torch.zeros(channels, 1, 1))
        self.register_buffer("spread", torch.ones(channels, 1, 1))
        steps = list(pairwise(widths))
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(4 * (channels + 1), widths[0], 3, padding=1))
        self.before = nn.ModuleList(_blocks(w, n) for w, n in zip(widths, depths, strict=True))
        self.down = nn.ModuleList(nn.Conv2d(fine, coarse, 2, 2) for fine, coarse in steps)
        self.up = nn.ModuleList(nn.Conv2d(coarse, fine, 1) for fine, coarse in steps)
        self.after = nn.ModuleList(_blocks(w, n) for w, n in zip(widths[:-1], depths[:-1], strict=True))
        self.head = nn.Conv2d(widths[0], 4 * channels, 3, padding=1)
        self.shuffle = nn.PixelShuffle(2)
        nn.init.normal_(self.head.weight, std=1e-3)
        nn.init.zeros_(self.head.bias)  # type: ignore[arg-type]

    @torch.no_grad()
    def standardise(self, images: Tensor) -> None:
        """Take mean and spread from images (N, C, Y, X): in pale images a network learns little from the raw values."""
        spread, mean = torch.std_mean(images, (0, 2, 3))
        self.mean.copy_(mean[:, None, None])
        self.spread.copy_(spread.clamp_min(1e-3)[:, None, None])

    def standardised(self, images: Tensor) -> Tensor:
        """Images (N, C, Y, X) of mean 0 and deviation 1 in each channel."""
        return (images - self.mean) / self.spread

    @property
    def stride(self) -> int:
        """Sides of the input are multiples of this (pixels)."""
        return 2 ** len(self.widths)

    @property
    def halo(self) -> int:
        """How far (pixels, a multiple of `stride`) an output pixel can see: the overlap that tiles need."""
        blocks = [n * (2 if level < len(self.widths) - 1 else 1) for level, n in enumerate(self.depths)]
        # two convolutions in each block; stem, head; places of one coarse pixel
        reach = sum(2 * n * 2 ** (level + 1) for level, n in enumerate(blocks)) + 4 + 2 ** len(self.widths)
        return -(-reach // self.stride) * self.stride

    def forward(self, smooth: Tensor, holes: Tensor) -> Tensor:
        x = self.stem(torch.cat([self.standardised(smooth), holes], 1))
        skips = []
        for before, down in zip(self.before[:-1], self.down, strict=True):
            skips.append(before(x))
            x = down(skips[-1])
        x = self.before[-1](x)
        for up, after, skip in zip(reversed(self.up), reversed(self.after), reversed(skips), strict=True):
            x = after(F.interpolate(up(x), scale_factor=2, mode="nearest") + skip)
        return smooth + self.shuffle(self.head(x)).float() * self.spread


def _blocks(channels: int, n: int) -> nn.Sequential:
    return nn.Sequential(*[ResidualBlock(channels) for _ in range(n)])
