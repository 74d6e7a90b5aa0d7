"""The supervised training loop of the counter's network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch

from neubauer.gan.training.checkpoint import read_checkpoint
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.augment import Augmentation
from neubauer.models.counter.config import Calibration
from neubauer.models.counter.crops import CropSampler, TrainingImage
from neubauer.models.counter.loss import layout_loss
from neubauer.models.shared.fitting import Checkpoint, Forward, Report, fit
from neubauer.nets.blocks import learn_statistics
from neubauer.nets.unet import LayoutNet

PLAIN = Augmentation(often=(0, 0, 0, 0))
"""Crops as they are."""
MEMORIES = 5
"""The steps with plain crops are so many memories, 1 / (1 - decay) steps, of the moving average."""
POINT_PLAIN, POINT_REFIT = 0.3, 1 / 3
"""By default, where all annotations are points; see `FitSettings`."""
REFIT_RATE = 1 / 3
"""Peak learning rate when training goes on with all images, as a share of the first."""
PASSES = 40
"""Batches from which the running statistics are learnt that the steps with plain crops keep."""


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
    plain : share of the steps, at their end, that see crops as they are, only mirrored and turned by quarters: sums of
        densities are then right for images as clean as those annotated. These steps also normalise by the running
        statistics, as predictions do: with statistics of the batch, counts scatter and are off by about 1 %. By
        default 0.3 where all annotations are points, else 0.
    refit : share of the steps, at the very end, that go on with all annotated images, those that the counter was
        calibrated with too, and plain crops; the calibration stays. By default a third where all annotations are
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
    refit: float | None = None


def stages(settings: FitSettings, points: bool) -> tuple[FitSettings, FitSettings | None]:
    """What trains on the training images, and what then goes on with all, where anything does.

    `points` says whether all annotations are points, and with it what is done by default.
    """
    plain = settings.plain if settings.plain is not None else POINT_PLAIN * points
    share = settings.refit if settings.refit is not None else POINT_REFIT * points
    again = min(round(share * settings.steps), settings.steps - 1)
    first = replace(settings, steps=settings.steps - again, plain=plain, refit=0.0)
    if not again:
        return first, None
    rate = REFIT_RATE * settings.learning_rate
    return first, replace(first, steps=again, plain=1.0, learning_rate=rate)


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
    report, checkpoint : see `neubauer.models.shared.fitting.fit`.
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
        if step == turn:
            with torch.no_grad():
                batches = (plain.batch(settings.batch, k) for k in range(PASSES))
                learn_statistics(network, (partial(forward, batch.pixels) for batch in batches))
        elif step > turn:
            network.eval()  # goes on from a checkpoint
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


def calibration_in(checkpoint: Checkpoint) -> Calibration | None:
    """The calibration of a training that was stopped when it went on with all images, else None.

    Raises
    ------
    InputError : the checkpoint to resume from is missing, corrupt, or none.
    """
    if not checkpoint.resume:
        return None
    state, _ = read_checkpoint(checkpoint.path)
    calibration = Calibration.model_validate(state["identity"]["config"]["calibration"])
    return calibration if calibration.images else None


def later(report: Report | None, steps: int) -> Report | None:
    """The report of a training that comes after so many steps."""
    return None if report is None else lambda step, losses: report(steps + step, losses)
