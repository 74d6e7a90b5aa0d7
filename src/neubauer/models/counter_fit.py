"""The supervised training loop of the counter's network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter_data import Augmentation, CropSampler, TrainingImage
from neubauer.models.fitting import Checkpoint, Forward, Report, fit
from neubauer.models.layout_loss import layout_loss
from neubauer.nets.unet import LayoutNet

PLAIN = Augmentation(often=(0, 0, 0, 0))
"""Crops as they are."""
MEMORIES = 5
"""The steps with plain crops are so many memories, 1 / (1 - decay) steps, of the moving average."""


@dataclass(frozen=True)
class FitSettings:
    """Sizes and rates of a training run.

    Attributes
    ----------
    steps : optimiser steps.
    batch, crop : crops per step, and their side in pixels at the scale of the model (a multiple of 16).
    learning_rate : peak of a warm-up + cosine schedule of AdamW (Loshchilov & Hutter, ICLR 2019).
    average : decay of the moving average of the weights, which is what is kept; lower where `plain` steps are few.
    seed : of initial weights, crops and augmentation.
    plain : share of the steps, at the end, that see crops as they are, only mirrored and turned by quarters: sums of
        densities are then right for images as clean as those annotated. By default 0.3 where all annotations are
        points, else 0.
    """

    steps: int = 3000
    batch: int = 8
    crop: int = 256
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    average: float = 0.998
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)
    border_weight: float = 1.0
    plain: float | None = None


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
    varied, plain = (
        CropSampler(images, spec, settings.crop, augmentation, settings.seed, settings.border_weight)
        for augmentation in (settings.augmentation, PLAIN)
    )
    last = round((settings.plain or 0) * settings.steps)
    turn = settings.steps - last
    if last:  # at the end the average has forgotten the varied crops, whose batch statistics are others
        settings = replace(settings, average=min(settings.average, max(0.0, 1 - MEMORIES / last)))
    weight = class_weight(images, len(spec.classes))

    def losses(forward: Forward, step: int) -> dict[str, torch.Tensor]:
        batch = (varied if step < turn else plain).batch(settings.batch, step)
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
