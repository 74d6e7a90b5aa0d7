"""Residual generator and discriminator of Huang et al., NeurIPS 2024 (R3GAN): no normalisation, grouped convolutions,
Fixup start."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neubauer.nets.conditional import LatentInput
from neubauer.nets.shapes import ImageShape, base_size, count_stages, crop, fit_widths

SLOPE = 0.2
GAIN = math.sqrt(2 / (1 + SLOPE**2))


def _init(layer: nn.Conv2d | nn.Linear, gain: float = 1.0) -> nn.Module:
    """Normal start that keeps the variance, times `gain`; biases at zero."""
    nn.init.normal_(layer.weight, std=gain / math.sqrt(layer.weight[0].numel()))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


class Block(nn.Module):
    """x + 1x1(act(3x3 grouped(act(1x1(x))))), the inverted bottleneck of the paper's config E.

    Fixup start (Zhang et al., ICLR 2019): the last convolution is zero and the others are scaled by the number of
    blocks, so that the network starts as its shortcuts.
    """

    def __init__(self, channels: int, expansion: int, group_width: int, blocks: int) -> None:
        super().__init__()
        wide = expansion * channels
        gain = GAIN * blocks ** (-1 / 4)
        self.expand = _init(nn.Conv2d(channels, wide, 1), gain)
        self.spatial = _init(nn.Conv2d(wide, wide, 3, padding=1, groups=max(1, wide // group_width), bias=False), gain)
        self.bias = nn.Parameter(torch.zeros(wide, 1, 1))
        self.project = _init(nn.Conv2d(wide, channels, 1, bias=False), 0.0)

    def forward(self, x: Tensor) -> Tensor:
        h = self.spatial(F.leaky_relu(self.expand(x), SLOPE))
        return x + self.project(F.leaky_relu(h + self.bias.to(h.dtype), SLOPE))


def _resize(x: Tensor, factor: float) -> Tensor:
    if factor > 1:
        return F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
    return F.avg_pool2d(x, 2, ceil_mode=True)  # bilinear halving


class R3Generator(nn.Module):
    """latent -> learned base map, modulated -> residual stages with bilinear doubling -> image.

    (N, L)[, (N,) classes] -> (N, C, Y, X), unbounded, trained towards [-1, 1].

    Parameters
    ----------
    shape : (C, Y, X); sides that are no multiple of the stages' product are reached by cropping.
    latent : length L of the latent vector.
    classes : number of classes, 0 for none.
    base : side of the first map, about (pixels).
    widths : channels of the stages, coarse to fine; multiples of `group_width`.
    blocks : residual blocks per stage.
    expansion : of the channels inside a block.
    group_width : channels per group of the 3x3 convolutions.
    """

    def __init__(
        self,
        shape: ImageShape,
        latent: int,
        classes: int = 0,
        *,
        base: int = 4,
        widths: list[int] = [256, 192, 128, 96, 64],  # noqa: B006 (never changed)
        blocks: int = 1,
        expansion: int = 2,
        group_width: int = 32,
    ) -> None:
        super().__init__()
        self.size = shape[1:]
        stages = count_stages(self.size, base)
        wide = fit_widths(widths, stages + 1)
        total = blocks * len(wide)
        self.input = LatentInput(latent, classes)
        self.basis = nn.Parameter(torch.randn(wide[0], *base_size(self.size, stages)))
        self.modulation = _init(nn.Linear(self.input.out, wide[0], bias=False))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(w, expansion, group_width, total) for _ in range(blocks))) for w in wide
        )
        self.widen = nn.ModuleList(_init(nn.Conv2d(a, b, 1, bias=False)) for a, b in pairwise(wide))
        self.last = _init(nn.Conv2d(wide[-1], shape[0], 1))

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.basis * self.modulation(self.input(z, label))[:, :, None, None]
        # the product is laid out by its operands, not by the convolutions that follow
        x = self.stages[0](x.contiguous(memory_format=torch.channels_last))
        for widen, stage in zip(self.widen, self.stages[1:], strict=True):
            x = stage(_resize(widen(x), 2))
        return crop(self.last(x), self.size)


class R3Backbone(nn.Module):
    """image -> residual stages with halving -> depthwise convolution over the last map. (N, C, Y, X) -> (N,
    `features`).

    Parameters as `R3Generator`, but `widths` fine to coarse.
    """

    def __init__(
        self,
        shape: ImageShape,
        *,
        base: int = 4,
        widths: list[int] = [64, 96, 128, 192, 256],  # noqa: B006 (never changed)
        blocks: int = 1,
        expansion: int = 2,
        group_width: int = 32,
    ) -> None:
        super().__init__()
        stages = count_stages(shape[1:], base)
        wide = fit_widths(widths[::-1], stages + 1)[::-1]
        total = blocks * len(wide)
        self.first = _init(nn.Conv2d(shape[0], wide[0], 1))
        self.stages = nn.ModuleList(
            nn.Sequential(*(Block(w, expansion, group_width, total) for _ in range(blocks))) for w in wide
        )
        self.widen = nn.ModuleList(_init(nn.Conv2d(a, b, 1, bias=False)) for a, b in pairwise(wide))
        self.basis = _init(nn.Conv2d(wide[-1], wide[-1], base_size(shape[1:], stages), groups=wide[-1], bias=False))
        self.features = wide[-1]

    def forward(self, x: Tensor) -> Tensor:
        x = self.stages[0](self.first(x))
        for widen, stage in zip(self.widen, self.stages[1:], strict=True):
            x = stage(widen(_resize(x, 0.5)))
        return self.basis(x).flatten(1)
