"""The network that turns an image into a layout."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional as F

from neubauer.nets.blocks import ConvNormAct, SeparableBlock


class LayoutNet(nn.Module):
    """A small depthwise-separable U-Net whose output has half the resolution of its input.

    (N, C, Y, X) -> (N, M, Y / 2, X / 2); Y and X must be multiples of `stride`.

    Pixels are folded two by two into channels first (no full-resolution layer: that is where a U-Net spends most of its
    time), then levels of stride 2, 4, 8 ... with residual separable blocks; the decoder adds the skip connections
    instead of concatenating. After Ronneberger et al., MICCAI 2015 (U-Net).

    Parameters
    ----------
    in_channels, out_channels : C and M.
    widths : channels of each level, finest first.
    depths : blocks of each level in the encoder.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int] = (32, 48, 64, 96),
        depths: Sequence[int] = (1, 1, 2, 2),
    ) -> None:
        super().__init__()
        if len(widths) != len(depths):
            raise ValueError(f"{len(widths)} widths but {len(depths)} depths")
        self.depths = tuple(depths)
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), ConvNormAct(4 * in_channels, widths[0]))
        self.encoder = nn.ModuleList(
            nn.Sequential(*(SeparableBlock(w) for _ in range(n))) for w, n in zip(widths, depths, strict=True)
        )
        steps = list(pairwise(widths))
        self.down = nn.ModuleList(ConvNormAct(fine, coarse, stride=2) for fine, coarse in steps)
        self.reduce = nn.ModuleList(ConvNormAct(coarse, fine, kernel=1) for fine, coarse in steps)
        self.decoder = nn.ModuleList(SeparableBlock(fine) for fine, _ in steps)
        self.head = nn.Sequential(ConvNormAct(widths[0], widths[0]), nn.Conv2d(widths[0], out_channels, 1))

    @property
    def stride(self) -> int:
        """Input sizes must be multiples of this (pixels)."""
        return 2 ** len(self.depths)

    @property
    def halo(self) -> int:
        """How far (pixels, a multiple of `stride`) an output pixel can see: the overlap that tiles need."""
        # per level of stride s: each 3x3 convolution reaches s pixels, bilinear upsampling one coarse pixel
        reach = 2 * 2  # stem and head
        for level, n in enumerate(self.depths):
            s = 2 ** (level + 1)
            last = level == len(self.depths) - 1
            reach += s * (n + (0 if last else 2) + (1 if level else 0))  # blocks, down + decoder, upsampling
        return -(-reach // self.stride) * self.stride

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))

    def encode(self, x: Tensor) -> list[Tensor]:
        """What the encoder makes of an image at each of its levels, coarser and coarser: (N, F, Y / 2^k, X / 2^k)."""
        x = self.stem(x)
        found = []
        for level, blocks in enumerate(self.encoder):
            if level:
                x = self.down[level - 1](x)
            x = blocks(x)
            found.append(x)
        return found

    def decode(self, encoded: Sequence[Tensor]) -> Tensor:
        """The output, from what `encode` found."""
        x = encoded[-1]
        for level in reversed(range(len(self.decoder))):
            up = F.interpolate(self.reduce[level](x), scale_factor=2, mode="bilinear", align_corners=False)
            x = self.decoder[level](up + encoded[level])
        return self.head(x)
