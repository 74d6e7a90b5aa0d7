"""The moving average of a generator: steadier than the generator itself, and what is kept as the model."""

from __future__ import annotations

import copy

import torch
from torch import nn


class MovingAverage:
    """Exponential moving average of all weights and floating-point buffers of a network. Yazici et al., ICLR 2019.

    Early on the decay is lower, min(decay, (1 + t) / (10 + t)) at step t, so that the random start is soon forgotten.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.network = copy.deepcopy(network).requires_grad_(False).eval()
        # the tensors of a network stay the same objects while it is trained, so the pairs are looked up once
        pairs = list(zip(self.network.state_dict().values(), network.state_dict().values(), strict=True))
        self._averaged = [mine for mine, _ in pairs if mine.is_floating_point()]
        self._current = [theirs for mine, theirs in pairs if mine.is_floating_point()]
        self._copied = [(mine, theirs) for mine, theirs in pairs if not mine.is_floating_point()]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take one step's weights in."""
        decay = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self._averaged, self._current, 1 - decay)
        for mine, theirs in self._copied:
            mine.copy_(theirs)
