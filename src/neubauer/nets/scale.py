"""The network that sees how large cells are, and whether there are any."""

from __future__ import annotations

from torch import Tensor, nn

from neubauer.nets.blocks import ConvNormAct, SeparableBlock

PER_OCTAVE = 5
"""Bins of cell diameters per doubling."""
LEAST = 4.0
"""Middle of the first bin, in pixels of what the network looks at."""
BINS = 24
WIDTHS = (16, 32, 64, 96, 128)


class ScaleNet(nn.Module):
    """A small convolutional network with one answer for every 32 x 32 pixels.

    (N, C, Y, X) -> (N, BINS + 2, Y / 32, X / 32), Y and X multiples of 32: log-odds of each bin of the typical cell
    diameter, of there being no cell, and of the image being a negative (bright where it should be dark).

    Parameters
    ----------
    in_channels : C.
    """

    stride = 2 ** len(WIDTHS)

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = in_channels
        for level, width in enumerate(WIDTHS):
            layers.append(ConvNormAct(before, width, stride=2))
            layers += [SeparableBlock(width) for _ in range(max(0, level - 1))]
            before = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Conv2d(before, BINS + 2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))
