"""Differentiable augmentation of everything that the discriminator sees, real and generated alike.

Zhao et al., NeurIPS 2020 (DiffAugment); the adaptive probability is that of Karras et al., NeurIPS 2020
(StyleGAN2-ADA), section 3.1.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neubauer.gan.config.base import AugmentConfig

# Karras et al.: p goes from 0 to 1 in half a million images if the sign of the heuristic does not change
IMAGES_TO_FULL = 500_000


class Augment(nn.Module):
    """Each transformation is applied to each item with probability p. (N, C, Y, X) -> the same shape, values in [-1,
    1].

    Quarter turns are left out where images are not square. Shifted images are continued by reflection. With `adaptive`,
    call `observe` with the discriminator's scores of real items: p then follows how sure the discriminator is of them.
    """

    probability: Tensor

    def __init__(self, config: AugmentConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("probability", torch.tensor(float(config.probability)))

    def forward(self, x: Tensor) -> Tensor:
        c = self.config
        if not c.enabled:
            return x
        layout = torch.channels_last if x.is_contiguous(memory_format=torch.channels_last) else torch.contiguous_format
        if c.flips:
            x = torch.where(self._chosen(x, 0.5), x.flip(3), x)
            x = torch.where(self._chosen(x, 0.5), x.flip(2), x)
        if c.quarter_turns and x.shape[2] == x.shape[3]:
            x = torch.where(self._chosen(x, 0.5), x.transpose(2, 3).flip(3), x)
        if c.translation:
            x = self._shift(self._shift(x, 2), 3)
        if c.brightness:
            x = x + torch.where(self._chosen(x), self._uniform(x) * c.brightness, 0.0)
        if c.contrast:
            mean = x.mean((1, 2, 3), keepdim=True)
            x = mean + (x - mean) * (1 + torch.where(self._chosen(x), self._uniform(x) * c.contrast, 0.0))
        if c.cutout:
            x = torch.where(self._chosen(x) & self._hole(x), 0.0, x)
        return x.contiguous(memory_format=layout)

    def observe(self, real_scores: Tensor, threshold: float) -> None:
        """Move p up where more than the target share of real items is recognised beyond chance, else down (one batch's
        worth)."""
        if self.config.adaptive:
            certainty = torch.sign(real_scores.detach().float() - threshold).mean()
            step = real_scores.shape[0] / IMAGES_TO_FULL
            self.probability.add_(torch.sign(certainty - self.config.target) * step).clamp_(0, 1)

    def _chosen(self, x: Tensor, share: float = 1.0) -> Tensor:
        return torch.rand(x.shape[0], 1, 1, 1, device=x.device) < self.probability * share

    @staticmethod
    def _uniform(x: Tensor) -> Tensor:
        return torch.rand(x.shape[0], 1, 1, 1, device=x.device, dtype=x.dtype) * 2 - 1

    def _shift(self, x: Tensor, axis: int) -> Tensor:
        size = x.shape[axis]
        limit = round(self.config.translation * size)
        offset = torch.randint(-limit, limit + 1, (x.shape[0], 1, 1, 1), device=x.device) * self._chosen(x)
        shape = [1, 1, 1, 1]
        shape[axis] = size
        index = (torch.arange(size, device=x.device).view(shape) + offset).abs()
        index = size - 1 - (size - 1 - index).abs()
        return x.gather(axis, index.expand(x.shape))

    def _hole(self, x: Tensor) -> Tensor:
        inside = torch.ones(1, dtype=torch.bool, device=x.device)
        for axis in (2, 3):
            size = x.shape[axis]
            centre = torch.randint(0, size, (x.shape[0], 1, 1, 1), device=x.device)
            shape = [1, 1, 1, 1]
            shape[axis] = size
            inside = inside & (
                (torch.arange(size, device=x.device).view(shape) - centre).abs() < self.config.cutout * size / 2
            )
        return inside
