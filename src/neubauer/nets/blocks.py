"""Building blocks that the networks share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import fuse_conv_bn_eval

Net = TypeVar("Net", bound=nn.Module)


class ConvNormAct(nn.Sequential):
    """Convolution, batch normalisation, ReLU. (N, C, Y, X) -> (N, C', Y / stride, X / stride)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(out_channels),
            nn.ReLU(inplace=True),
        )


class SeparableBlock(nn.Module):
    """Residual depthwise-separable block: x + pointwise(ReLU(pointwise(norm(depthwise(x))))).

    The inverted bottleneck of ConvNeXt (Liu et al., CVPR 2022) with a 3x3 kernel and batch normalisation, which costs
    nothing when it predicts and, unlike instance statistics, gives the same result for a tile as for the whole image.
    """

    def __init__(self, channels: int, expansion: int = 2) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(channels)
        self.expand = nn.Conv2d(channels, expansion * channels, 1)
        self.act = nn.ReLU(inplace=True)
        self.project = nn.Conv2d(expansion * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.project(self.act(self.expand(self.norm(self.depthwise(x)))))


def fuse_norms(module: Net) -> Net:
    """Fold every batch normalisation that directly follows a convolution into it, in place (evaluation only)."""
    for child in module.modules():
        if isinstance(child, ConvNormAct):
            conv, norm = child[0], child[1]
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                child[0], child[1] = fuse_conv_bn_eval(conv, norm), nn.Identity()
        elif isinstance(child, SeparableBlock) and isinstance(child.norm, nn.BatchNorm2d):
            child.depthwise, child.norm = fuse_conv_bn_eval(child.depthwise, child.norm), nn.Identity()
    return module


def channels_last(module: Net) -> Net:
    """The module with its weights stored channels last, in place: convolutions are fastest so on a CPU."""
    return module.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's stubs lack it


@contextmanager
def statistics_kept(module: nn.Module) -> Iterator[None]:
    """Context in which batch normalisations in training normalise by the batch but keep their running statistics."""
    with _momenta_restored(module) as norms:
        for norm in norms:
            norm.momentum = 0.0
        yield


def learn_statistics(module: nn.Module, passes: Iterable[Callable[[], object]]) -> None:
    """Set the running statistics of the batch normalisations in `module` to their mean over forward passes.

    Normalisations that no pass reaches are left alone. Afterwards `module` is in evaluation mode.
    """
    with _momenta_restored(module) as norms:
        if norms:
            module.train()
            for k, run in enumerate(passes):
                for norm in norms:
                    norm.momentum = 1 / (k + 1)
                run()
    module.eval()


@contextmanager
def _momenta_restored(module: nn.Module) -> Iterator[list[nn.modules.batchnorm._BatchNorm]]:
    """The batch normalisations of `module`, whose momenta may be changed meanwhile."""
    norms = [m for m in module.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    try:
        yield norms
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


class SmoothShuffle(nn.Module):
    """(N, 4 C, Y, X) -> (N, C, 2 Y, 2 X): pixel shuffle (Shi et al., CVPR 2016), then a binomial 3 x 3 filter.

    The filter is zero for the checkerboard that shuffled pixels would leave.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.kernel: Tensor
        binomial = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", (binomial[:, None] * binomial).expand(channels, 1, 3, 3).contiguous())

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(F.pixel_shuffle(x, 2), self.kernel, padding=1, groups=len(self.kernel))
