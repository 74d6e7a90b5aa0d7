"""The supervised training loop of the counter's network."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import nn

from neubauer.gan.machine import bfloat16_is_fast
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter_data import Augmentation, CropSampler, TrainingImage
from neubauer.models.layout_loss import layout_loss
from neubauer.nets.blocks import channels_last
from neubauer.nets.unet import LayoutNet


@dataclass(frozen=True)
class FitSettings:
    """Sizes and rates of a training run.

    Attributes
    ----------
    steps : optimiser steps.
    batch, crop : crops per step, and their side in pixels at the scale of the model (a multiple of 16).
    learning_rate : peak of a warm-up + cosine schedule of AdamW (Loshchilov & Hutter, ICLR 2019).
    average : decay of the moving average of the weights, which is what is kept.
    seed : of initial weights, crops and augmentation.
    """

    steps: int = 3000
    batch: int = 8
    crop: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    average: float = 0.998
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)


def fit_network(
    network: LayoutNet,
    images: Sequence[TrainingImage],
    spec: LayoutSpec,
    settings: FitSettings,
    report: Callable[[int, dict[str, float]], None] | None = None,
) -> LayoutNet:
    """Train `network` on annotated images; returns its moving average, in evaluation mode.

    Parameters
    ----------
    network : (N, C, Y, X) -> (N, M, Y / 2, X / 2).
    images : the training images.
    spec : the layout.
    settings : sizes and rates.
    report : called with the number of steps done and the mean losses since the last call, every 50 steps.
    """
    sampler = CropSampler(images, spec, settings.crop, settings.augmentation, settings.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = channels_last(network.to(device)).train()
    average = copy.deepcopy(network)
    low_precision = bfloat16_is_fast(device)
    decay: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for parameter in network.parameters():
        (decay if parameter.ndim > 1 else rest).append(parameter)
    optimiser = torch.optim.AdamW(
        [{"params": decay, "weight_decay": settings.weight_decay}, {"params": rest, "weight_decay": 0.0}],
        lr=settings.learning_rate,
    )
    weight = class_weight(images, len(spec.classes)).to(device)
    sums: dict[str, float] = {}
    for step in range(settings.steps):
        for group in optimiser.param_groups:
            group["lr"] = settings.learning_rate * schedule(step, settings.steps)
        batch = sampler.batch(settings.batch)
        pixels = batch.pixels.to(device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=low_precision):
            raw = network(pixels)
        terms = layout_loss(raw, batch.maps.to(device), batch.known.to(device), spec, weight)
        loss = torch.stack(list(terms.values())).sum()
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        _update_average(average, network, min(settings.average, (step + 1) / (step + 10)))
        for name, value in terms.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach())
        if report and ((step + 1) % 50 == 0 or step + 1 == settings.steps):
            done = (step % 50) + 1
            report(step + 1, {name: value / done for name, value in sums.items()})
            sums = {}
    return average.eval()


def schedule(step: int, steps: int) -> float:
    """Linear warm-up over 5 % of the steps, then half a cosine to zero."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def class_weight(images: Sequence[TrainingImage], classes: int) -> torch.Tensor:
    """(K,) inverse square root of the number of cells of each class, mean 1 over the cells: rare classes weigh more."""
    n = np.zeros(classes)
    for image in images:
        index = image.marks.class_index
        n += np.bincount(index[index >= 0], minlength=classes)
    weight = 1 / np.sqrt(np.maximum(n, 1))
    return torch.from_numpy(weight * max(n.sum(), 1) / max((weight * n).sum(), 1e-9)).float()


@torch.no_grad()
def _update_average(average: nn.Module, network: nn.Module, decay: float) -> None:
    ours, theirs = average.state_dict(), network.state_dict()
    floats = [name for name, value in ours.items() if value.is_floating_point()]
    torch._foreach_lerp_([ours[name] for name in floats], [theirs[name] for name in floats], 1 - decay)
    for name, value in ours.items():
        if not value.is_floating_point():
            value.copy_(theirs[name])
