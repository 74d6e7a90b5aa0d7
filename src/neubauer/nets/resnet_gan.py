"""Residual generator and discriminator of Miyato et al., ICLR 2018 (SNGAN), and Miyato & Koyama, ICLR 2018
(projection)."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neubauer.nets.conditional import ConditionalBatchNorm2d
from neubauer.nets.shapes import ImageShape, base_size, count_stages, crop, fit_widths


class UpBlock(nn.Module):
    """Norm, ReLU, nearest-neighbour doubling, 3x3, norm, ReLU, 3x3; beside a doubled 1x1 shortcut. Sides are
    doubled."""

    def __init__(self, in_channels: int, out_channels: int, classes: int = 0) -> None:
        super().__init__()
        self.norm1 = ConditionalBatchNorm2d(in_channels, classes)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.norm2 = ConditionalBatchNorm2d(out_channels, classes)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        h = F.interpolate(F.relu(self.norm1(x, label)), scale_factor=2)
        h = self.conv2(F.relu(self.norm2(self.conv1(h), label)))
        # the 1x1 convolution commutes with the doubling, and is cheaper before it
        return h + F.interpolate(self.shortcut(x), scale_factor=2)


class DownBlock(nn.Module):
    """ReLU, 3x3, ReLU, 3x3, mean over 2x2 where `down`; beside a 1x1 shortcut. `first`: no ReLU on the image itself."""

    def __init__(self, in_channels: int, out_channels: int, down: bool = True, first: bool = False) -> None:
        super().__init__()
        self.down, self.first = down, first
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1) if down or in_channels != out_channels else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv2(F.relu(self.conv1(x if self.first else F.relu(x))))
        if self.down:
            h, x = F.avg_pool2d(h, 2, ceil_mode=True), F.avg_pool2d(x, 2, ceil_mode=True)
        return h + (x if self.shortcut is None else self.shortcut(x))


class ResnetGenerator(nn.Module):
    """latent -> dense -> residual blocks -> image. (N, L)[, (N,) classes] -> (N, C, Y, X) in (-1, 1).

    The class enters through the batch normalisations.

    Parameters
    ----------
    shape : (C, Y, X); sides that are no multiple of the stages' product are reached by cropping.
    latent : length L of the latent vector.
    classes : number of classes, 0 for none.
    base : side of the first map, about (pixels).
    widths : channels, coarse to fine; the first is the dense layer's.
    """

    def __init__(
        self,
        shape: ImageShape,
        latent: int,
        classes: int = 0,
        *,
        base: int = 4,
        widths: list[int] = [256, 256, 128, 64, 64],  # noqa: B006 (never changed)
    ) -> None:
        super().__init__()
        self.size = shape[1:]
        stages = count_stages(self.size, base)
        wide = fit_widths(widths, stages + 1)
        self.base = base_size(self.size, stages)
        self.dense = nn.Linear(latent, wide[0] * self.base[0] * self.base[1])
        self.blocks = nn.ModuleList(UpBlock(a, b, classes) for a, b in pairwise(wide))
        self.norm = nn.BatchNorm2d(wide[-1])
        self.last = nn.Conv2d(wide[-1], shape[0], 3, padding=1)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.dense(z).unflatten(1, (-1, *self.base))
        for block in self.blocks:
            x = block(x, label)
        return crop(torch.tanh(self.last(F.relu(self.norm(x)))), self.size)


class ResnetBackbone(nn.Module):
    """image -> residual blocks -> sum over all pixels. (N, C, Y, X) -> (N, `features`).

    Parameters
    ----------
    shape : (C, Y, X) of the images.
    base : stages of the last width are added until no side of the map is longer (pixels).
    widths : channels of the stride-2 blocks, fine to coarse; one block without stride follows.
    """

    def __init__(
        self,
        shape: ImageShape,
        *,
        base: int = 8,
        widths: list[int] = [64, 128, 256],  # noqa: B006 (never changed)
    ) -> None:
        super().__init__()
        wide = list(widths)
        while max(-(-s // 2 ** len(wide)) for s in shape[1:]) > base:
            wide.append(wide[-1])
        steps = zip([shape[0], *wide[:-1]], wide, strict=True)
        blocks = [DownBlock(a, b, first=i == 0) for i, (a, b) in enumerate(steps)]
        self.blocks = nn.Sequential(*blocks, DownBlock(wide[-1], wide[-1], down=False))
        self.features = wide[-1]

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.blocks(x)).sum((2, 3))
