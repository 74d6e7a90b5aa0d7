"""The network that carries an image from one domain to another."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from neubauer.nets.blocks import SmoothShuffle
from neubauer.nets.unet import LayoutNet


class TranslatorNet(nn.Module):
    """Image to image, (N, C, Y, X) -> (N, C', Y, X), sides multiples of `stride`; images lie in [-1, 1].

    A tone curve (1 x 1 convolutions), which maps colours and cannot move anything, plus what a small U-Net adds; both
    start near the identity where C = C'. Its only normalisation is by batch statistics, which are constants once it is
    trained: a tile gives what the whole image gives.

    Parameters
    ----------
    channels, out_channels : C and C'.
    tone_width : channels between the two layers of the tone curve.
    widths, depths : of the U-Net, see `LayoutNet`.
    """

    def __init__(
        self,
        channels: int,
        out_channels: int,
        *,
        tone_width: int = 32,
        widths: Sequence[int] = (32, 64, 96),
        depths: Sequence[int] = (1, 2, 2),
    ) -> None:
        super().__init__()
        self.straight = nn.Conv2d(channels, out_channels, 1)
        self.tone = nn.Sequential(
            nn.Conv2d(channels, tone_width, 1),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(tone_width, out_channels, 1),
        )
        self.detail = LayoutNet(channels, 4 * out_channels, widths, depths)
        self.shuffle = SmoothShuffle(out_channels)
        nn.init.zeros_(self.straight.bias)  # type: ignore[arg-type]
        if channels == out_channels:
            nn.init.eye_(self.straight.weight[:, :, 0, 0])
        else:
            nn.init.constant_(self.straight.weight, 1 / channels)
        for last in (self.tone[-1], self.detail.head[-1]):
            assert isinstance(last, nn.Conv2d)
            nn.init.normal_(last.weight, std=1e-3)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    @property
    def stride(self) -> int:
        """Sides of the input are multiples of this (pixels)."""
        return self.detail.stride

    @property
    def halo(self) -> int:
        """How far (pixels, a multiple of `stride`) an output pixel can see: the overlap that tiles need."""
        return self.detail.halo + self.stride

    def forward(self, x: Tensor) -> Tensor:
        return self.translate(x)[0]

    def translate(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The translation, and the `features` of the image, which it was made from."""
        features = self.features(x)
        return self.straight(x) + self.tone(x) + self.shuffle(self.detail.decode(features)), features

    def features(self, x: Tensor) -> list[Tensor]:
        """What the encoder makes of an image at each of its levels, coarser and coarser: (N, F, Y / 2^k, X / 2^k)."""
        return self.detail.encode(x)


class PatchProjection(nn.Module):
    """Features of chosen places to unit vectors, one small network per level; after Park et al., ECCV 2020, section 3.

    Parameters
    ----------
    widths : channels of the features of each level.
    size : length of the vectors.
    """

    def __init__(self, widths: Sequence[int], size: int = 64) -> None:
        super().__init__()
        self.levels = nn.ModuleList(
            nn.Sequential(nn.Linear(width, size), nn.ReLU(), nn.Linear(size, size)) for width in widths
        )

    def forward(self, features: Sequence[Tensor], places: Sequence[Tensor]) -> list[Tensor]:
        """Features (N, F, Y, X) and flat places (P,) of each level -> (N, P, size) of each level."""
        found = []
        for level, maps, at in zip(self.levels, features, places, strict=True):
            # channels last, as the maps lie in memory: their gradient then lies like them, too
            chosen = maps.permute(0, 2, 3, 1).flatten(1, 2).index_select(1, at)
            vectors = level(chosen).float()
            found.append(vectors / torch.linalg.vector_norm(vectors, dim=2, keepdim=True).clamp_min(1e-6))
        return found
