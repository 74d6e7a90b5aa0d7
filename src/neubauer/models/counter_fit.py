"""The supervised training loop of the counter's network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter_data import Augmentation, CropSampler, TrainingImage
from neubauer.models.fitting import Checkpoint, Forward, Report, fit
from neubauer.models.layout_loss import layout_loss
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
    report: Report | None = None,
    checkpoint: Checkpoint | None = None,
) -> LayoutNet:
    """Train `network` on annotated images; returns it with the moving average of its weights, in evaluation mode.

    Parameters
    ----------
    network : (N, C, Y, X) -> (N, M, Y / 2, X / 2).
    images : the training images.
    spec : the layout.
    settings : sizes and rates.
    report, checkpoint : see `neubauer.models.fitting.fit`.
    """
    sampler = CropSampler(images, spec, settings.crop, settings.augmentation, settings.seed)
    weight = class_weight(images, len(spec.classes))

    def losses(forward: Forward, step: int) -> dict[str, torch.Tensor]:
        batch = sampler.batch(settings.batch, step)
        raw = forward(batch.pixels)
        return layout_loss(raw, batch.maps.to(raw.device), batch.known.to(raw.device), spec, weight.to(raw.device))

    return fit(network, losses, settings, report, checkpoint)


def class_weight(images: Sequence[TrainingImage], classes: int) -> torch.Tensor:
    """(K,) inverse square root of the number of cells of each class, mean 1 over the cells: rare classes weigh more."""
    n = np.zeros(classes)
    for image in images:
        index = image.marks.class_index
        n += np.bincount(index[index >= 0], minlength=classes)
    weight = 1 / np.sqrt(np.maximum(n, 1))
    return torch.from_numpy(weight * max(n.sum(), 1) / max((weight * n).sum(), 1e-9)).float()
