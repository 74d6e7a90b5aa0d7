"""How many stages of stride 2 a network needs for images of a given size, and how wide they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

ImageShape = tuple[int, int, int]  # (C, Y, X)
OutputActivation = Literal["tanh", "sigmoid", "linear"]


def count_stages(size: Sequence[int], base: int) -> int:
    """Number of doublings that lead from about `base` to the shorter side of `size` (pixels), even division
    preferred."""
    exact = math.log2(min(size) / base)
    for n in (round(exact), math.floor(exact), math.ceil(exact)):
        if n >= 1 and all(s % 2**n == 0 for s in size):
            return n
    return max(1, round(exact))


def base_size(size: Sequence[int], stages: int) -> tuple[int, int]:
    """(Y, X) that reaches `size` after `stages` doublings; where it does not divide evenly, the result is larger and is
    cropped."""
    y, x = (-(-s // 2**stages) for s in size)
    return y, x


def fit_widths(widths: Sequence[int], n: int) -> list[int]:
    """`n` widths, coarse to fine: for more stages than named the finest is repeated, for fewer the coarsest are
    dropped."""
    return list(widths[len(widths) - n :]) if n <= len(widths) else [*widths, *[widths[-1]] * (n - len(widths))]


def crop(x: Tensor, size: Sequence[int]) -> Tensor:
    """The middle (Y, X) of (N, C, Y', X')."""
    top, left = (x.shape[2] - size[0]) // 2, (x.shape[3] - size[1]) // 2
    return x[:, :, top : top + size[0], left : left + size[1]]


class Output(nn.Module):
    """The last activation of a generator, to images in [-1, 1]. A sigmoid's (0, 1) is stretched to (-1, 1); `linear` is
    unbounded."""

    def __init__(self, kind: OutputActivation) -> None:
        super().__init__()
        self.kind = kind

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "tanh":
            return x.tanh()
        return 2 * x.sigmoid() - 1 if self.kind == "sigmoid" else x
