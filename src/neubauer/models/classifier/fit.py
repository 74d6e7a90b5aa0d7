"""The training loop of the classifier's network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from neubauer.gan.data.images import ImageSet
from neubauer.gan.data.order import Order
from neubauer.models.classifier.augment import CellAugmentation, augment
from neubauer.models.shared.fitting import Forward, Report, fit

Net = TypeVar("Net", bound=nn.Module)


@dataclass(frozen=True)
class FitSettings:
    """Sizes and rates of a training run.

    Attributes
    ----------
    steps : optimiser steps.
    batch : images per step.
    learning_rate : peak of a warm-up + cosine schedule of AdamW (Loshchilov & Hutter, ICLR 2019).
    weight_decay : of all weights but biases and normalisations.
    smoothing : share of the target that goes to all classes alike (label smoothing, Szegedy et al., CVPR 2016).
    average : decay of the moving average of the weights, which is what is kept.
    seed : of initial weights, order and augmentation.
    """

    steps: int = 4000
    batch: int = 128
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    smoothing: float = 0.05
    average: float = 0.998
    seed: int = 0
    augmentation: CellAugmentation = field(default_factory=CellAugmentation)


def fit_network(network: Net, labelled: ImageSet, settings: FitSettings, report: Report | None = None) -> Net:
    """Train a network on labelled images; returns the moving average of its weights, in evaluation mode.

    Parameters
    ----------
    network : (N, C, Y, X) in [-1, 1] -> logits (N, classes).
    labelled : square images with class indices.
    settings : sizes and rates.
    report : see `neubauer.models.shared.fitting.fit`.
    """
    assert labelled.labels is not None
    weight = class_weight(labelled.labels, len(labelled.classes))
    order = Order(len(labelled), min(settings.batch, len(labelled)), settings.seed)

    def losses(forward: Forward, step: int) -> dict[str, torch.Tensor]:
        batch = labelled.batch(order.indices(step), order.rng(step))
        generator = torch.Generator().manual_seed(torch.initial_seed())
        logits = forward(augment(batch["image"], settings.augmentation, generator))
        target = batch["class"].to(logits.device)
        loss = F.cross_entropy(logits, target, weight.to(logits.device), label_smoothing=settings.smoothing)
        return {"loss": loss}

    return fit(network, losses, settings, report)


def class_weight(labels: np.ndarray, classes: int) -> torch.Tensor:
    """(K,) inverse square root of the number of images of each class, mean 1 over the images: rare ones weigh more."""
    n = np.bincount(labels, minlength=classes)
    weight = 1 / np.sqrt(np.maximum(n, 1))
    return torch.from_numpy(weight * n.sum() / (weight * n).sum()).float()
