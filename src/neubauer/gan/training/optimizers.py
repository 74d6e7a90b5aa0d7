"""The optimiser of a player, and its learning rate as a function of the step."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from neubauer.gan.config.base import OptimizerConfig


def learning_rate(config: OptimizerConfig, step: int, steps: int) -> float:
    """The learning rate at a step (see `OptimizerConfig`)."""
    rate = config.learning_rate * min(1.0, (step + 1) / (config.warmup_steps + 1))
    if config.schedule == "linear":
        rate *= 1 - step / steps
    elif config.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * step / steps))
    return rate


def adam(network: nn.Module, config: OptimizerConfig) -> torch.optim.Adam:
    """Adam over the parameters that are trained, fused: one pass over weights, gradients and moments."""
    trained = [p for p in network.parameters() if p.requires_grad]
    return torch.optim.Adam(trained, config.learning_rate, (config.beta1, config.beta2), fused=True)


@contextmanager
def frozen(optimizer: torch.optim.Optimizer | None) -> Iterator[None]:
    """Context in which the parameters of an optimiser need no gradients, and none are computed for them."""
    parameters = [] if optimizer is None else [p for group in optimizer.param_groups for p in group["params"]]
    for p in parameters:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)
