"""The network that makes a drawn image of cells look like a real one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neubauer.nets.blocks import SmoothShuffle
from neubauer.nets.unet import LayoutNet


class Painter(nn.Module):
    """Layout and rendering to image: (N, C, Y, X), (N, M, Y / 2, X / 2), (N, S) -> (N, C, Y, X).

    A small U-Net says what is to change in the rendering, so that it starts as the identity and what the layout says
    stays where it is; the refiner of Shrivastava et al., CVPR 2017 (SimGAN), with the layout beside the rendering. The
    style, S numbers that are the same all over the image, and a map of noise decide what the layout leaves open.

    Parameters
    ----------
    channels : C, of the images.
    maps : M, of the layout.
    style : S.
    widths, depths : see `LayoutNet`.
    """

    def __init__(
        self,
        channels: int,
        maps: int,
        style: int = 4,
        widths: Sequence[int] = (32, 48, 64),
        depths: Sequence[int] = (1, 1, 1),
    ) -> None:
        super().__init__()
        self.style = style
        self.net = LayoutNet(channels + maps + style + 1, 4 * channels, widths, depths)
        self.shuffle = SmoothShuffle(channels)
        last = self.net.head[-1]
        assert isinstance(last, nn.Conv2d)
        nn.init.normal_(last.weight, std=1e-3)

    def forward(self, rendering: Tensor, maps: Tensor, style: Tensor) -> Tensor:
        n, _, y, x = rendering.shape
        large = maps.repeat_interleave(2, 2).repeat_interleave(2, 3)
        noise = torch.randn(n, 1, y, x, device=rendering.device, dtype=rendering.dtype)
        styles = style[:, :, None, None].expand(-1, -1, y, x)
        seen = torch.cat([rendering, large.to(rendering.dtype), styles.to(rendering.dtype), noise], 1)
        return rendering + self.shuffle(self.net(seen)).float()
