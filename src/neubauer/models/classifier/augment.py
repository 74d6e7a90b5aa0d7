"""Training images of single cells, changed at random as microscopes and smears differ."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class CellAugmentation:
    """How far a training image may differ from the original. Cells have no up and no left: every image is mirrored and
    turned.

    Attributes
    ----------
    free : probability of a turn by any angle, with a change of scale and a shift below a pixel; otherwise quarter
        turns and shifts by whole pixels, so that the network also sees images as sharp as they are.
    scale : largest size ratio, drawn log-uniformly between its inverse and itself.
    shift : largest displacement of the cell, as a share of the side.
    gain, offset : contrast and brightness: pixels x become gain * x + offset, with gain in 1 +- `gain` and offset in
        +- `offset`, for an image; `channel` times as much on top for each of its channels (stain, white balance).
    channel : see there.
    gamma : pixels (from 0 to 1) are raised to a power, log-uniform between the inverse of this and itself.
    erase : probability of a hole of up to half the side, filled with noise (Zhong et al., AAAI 2020).
    """

    free: float = 0.6
    scale: float = 1.25
    shift: float = 0.08
    gain: float = 0.2
    offset: float = 0.1
    channel: float = 0.5
    gamma: float = 1.25
    erase: float = 0.15


def stronger(how: CellAugmentation) -> CellAugmentation:
    """For images whose class is taught, not known: changed half as much again, and erased three times as often."""
    return replace(
        how,
        free=(1 + how.free) / 2,
        scale=how.scale**1.5,
        gain=how.gain * 1.5,
        gamma=how.gamma**1.5,
        erase=min(1.0, 3 * how.erase),
    )


def augment(x: Tensor, how: CellAugmentation, generator: torch.Generator) -> Tensor:
    """(N, C, Y, X) in [-1, 1], square -> the same, changed; `generator` draws, on the CPU."""
    return _erase(_intensity(_geometry(x, how, generator), how, generator), how, generator)


def _uniform(shape: tuple[int, ...], low: float, high: float, like: Tensor, generator: torch.Generator) -> Tensor:
    return (torch.rand(shape, generator=generator) * (high - low) + low).to(like.device)


def _geometry(x: Tensor, how: CellAugmentation, generator: torch.Generator) -> Tensor:
    n, _, side, _ = x.shape
    free = _uniform((n,), 0, 1, x, generator) < how.free
    turn = _uniform((n,), 0, 2 * math.pi, x, generator)
    turn = torch.where(free, turn, (turn / (math.pi / 2)).floor() * (math.pi / 2))
    limit = math.log(how.scale)
    zoom = torch.where(free, _uniform((n,), -limit, limit, x, generator).exp(), 1.0)
    mirror = torch.where(_uniform((n,), 0, 1, x, generator) < 0.5, -1.0, 1.0)
    shift = _uniform((n, 2), -how.shift, how.shift, x, generator) * 2
    shift = torch.where(free[:, None], shift, (shift * side / 2).round() * 2 / side)
    cos, sin = turn.cos() / zoom, turn.sin() / zoom
    theta = torch.stack([cos * mirror, -sin, shift[:, 0], sin * mirror, cos, shift[:, 1]], 1).view(n, 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def _intensity(x: Tensor, how: CellAugmentation, generator: torch.Generator) -> Tensor:
    n, channels = x.shape[:2]
    one, each = (n, 1, 1, 1), (n, channels, 1, 1)

    def spread(limit: float) -> Tensor:
        return _uniform(one, -limit, limit, x, generator) + how.channel * _uniform(each, -limit, limit, x, generator)

    limit = math.log(how.gamma)
    positive = ((x + 1) / 2).clamp(min=1e-4)  # the power has no finite slope at 0
    x = positive.pow(_uniform(one, -limit, limit, x, generator).exp()) * 2 - 1
    return x * (1 + spread(how.gain)) + spread(how.offset)


def _erase(x: Tensor, how: CellAugmentation, generator: torch.Generator) -> Tensor:
    n, side = len(x), x.shape[2]
    chosen = _uniform((n, 1, 1, 1), 0, 1, x, generator) < how.erase
    inside = chosen
    at = torch.arange(side, device=x.device) / side
    for shape in ((1, 1, side, 1), (1, 1, 1, side)):
        centre, reach = _uniform((n, 1, 1, 1), 0, 1, x, generator), _uniform((n, 1, 1, 1), 0.05, 0.25, x, generator)
        inside = inside & ((at.view(shape) - centre).abs() < reach)
    noise = torch.randn(x.shape[1:], generator=generator).to(x.device)
    return torch.where(inside, noise, x)
