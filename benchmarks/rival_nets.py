"""The networks of StarDist and Cellpose 3 in PyTorch, for timing side by side.

They are rebuilt from the papers and documentation. Weights are random: only the time of a forward pass is
compared, and only the networks, without their decoders.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def _conv(a: int, b: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(a, b, 3, padding=1), nn.ReLU(inplace=True))


class StarDistNet(nn.Module):
    """StarDist 2D with its default configuration.

    `Config2D` of Weigert & Schmidt's `stardist` 0.9: 32 rays, grid (2, 2), U-Net of depth 3 from 32 filters, two 3x3
    convolutions per level, 128 feature channels after it (Schmidt et al., MICCAI 2018).
    """

    def __init__(self, channels: int = 1, rays: int = 32) -> None:
        super().__init__()
        self.grid = nn.Sequential(_conv(channels, 32), _conv(32, 32), nn.MaxPool2d(2))
        self.down = nn.ModuleList([nn.Sequential(_conv(a, b), _conv(b, b)) for a, b in ((32, 32), (32, 64), (64, 128))])
        self.middle = nn.Sequential(_conv(128, 256), _conv(256, 128))
        self.up = nn.ModuleList(
            [nn.Sequential(_conv(2 * a, a), _conv(a, b)) for a, b in ((128, 64), (64, 32), (32, 32))]
        )
        self.features = _conv(32, 128)
        self.output = nn.Conv2d(128, rays + 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.grid(x)
        skips = []
        for level in self.down:
            x = level(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.middle(x)
        for level, skip in zip(self.up, reversed(skips), strict=True):
            x = level(torch.cat([F.interpolate(x, scale_factor=2), skip], 1))
        return self.output(self.features(x))


def _norm_conv(a: int, b: int, kernel: int = 3) -> nn.Sequential:
    return nn.Sequential(nn.BatchNorm2d(a), nn.ReLU(), nn.Conv2d(a, b, kernel, padding=kernel // 2))


class _Down(nn.Module):
    def __init__(self, a: int, b: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.BatchNorm2d(a), nn.Conv2d(a, b, 1))
        self.first = nn.Sequential(_norm_conv(a, b), _norm_conv(b, b))
        self.second = nn.Sequential(_norm_conv(b, b), _norm_conv(b, b))

    def forward(self, x: Tensor) -> Tensor:
        x = self.project(x) + self.first(x)
        return x + self.second(x)


class _Up(nn.Module):
    def __init__(self, a: int, b: int, style: int) -> None:
        super().__init__()
        self.project = nn.Sequential(nn.BatchNorm2d(a), nn.Conv2d(a, b, 1))
        self.first = _norm_conv(a, b)
        self.styles = nn.ModuleList(nn.Linear(style, b) for _ in range(3))
        self.convs = nn.ModuleList(_norm_conv(b, b) for _ in range(3))

    def _styled(self, i: int, x: Tensor, style: Tensor) -> Tensor:
        return self.convs[i](x + self.styles[i](style)[..., None, None])

    def forward(self, x: Tensor, skip: Tensor, style: Tensor) -> Tensor:
        x = self.project(x) + self._styled(0, self.first(x) + skip, style)
        return x + self._styled(2, self._styled(1, x, style), style)


class CellposeNet(nn.Module):
    """Cellpose 1 to 3 (`CPnet`).

    Residual U-Net of 32, 64, 128, 256 channels at full resolution, skips added, a style vector from the coarsest level,
    three output maps (Stringer et al., Nature Methods 18:100, 2021).
    """

    def __init__(self, channels: int = 2, widths: tuple[int, ...] = (32, 64, 128, 256)) -> None:
        super().__init__()
        self.down = nn.ModuleList(_Down(a, b) for a, b in zip((channels, *widths[:-1]), widths, strict=True))
        self.up = nn.ModuleList(_Up(a, b, widths[-1]) for a, b in zip((*widths[1:], widths[-1]), widths, strict=True))
        self.output = _norm_conv(widths[0], 3, 1)

    def forward(self, x: Tensor) -> Tensor:
        skips = []
        for i, level in enumerate(self.down):
            x = level(F.max_pool2d(x, 2) if i else x)
            skips.append(x)
        style = F.normalize(x.mean((2, 3)), dim=1)
        for i in reversed(range(len(self.up))):
            if i < len(self.up) - 1:
                x = F.interpolate(x, scale_factor=2)
            x = self.up[i](x, skips[i], style)
        return self.output(x)
