"""A counter from annotated images: prepare, fit, tune."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from neubauer.errors import InputError
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.config import CounterConfig
from neubauer.models.counter.crops import TrainingImage
from neubauer.models.counter.fit import FitSettings, calibration_in, fit_network, later, stages
from neubauer.models.counter.plan import TrainingPlan
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.counter.prepare import annotated_diameters, split, training_image
from neubauer.models.counter.remember import keep_what_is_known
from neubauer.models.counter.start import start_from
from neubauer.models.counter.tune import calibrate
from neubauer.models.shared.fitting import Checkpoint, Report
from neubauer.models.shared.inputs import Annotated
from neubauer.nets.unet import LayoutNet

CELL_SIGMA, POINT_SIGMA = 0.12, 0.2
"""Widths of a cell in the density maps. With points alone the density is often all there is to count by, in images in
which cells overlap; a wider target then tolerates that nobody can say exactly where each is."""


def fit_supervised(
    plan: TrainingPlan,
    pairs: Sequence[Annotated],
    *,
    groups: Sequence[str] | None = None,
    start: tuple[str | Path, TrainedCounter] | None = None,
    report: Report | None = None,
    checkpoint: Checkpoint | None = None,
) -> TrainedCounter:
    """Train a counter on annotated images.

    Parameters
    ----------
    plan : sizes and shares.
    pairs : the annotated images, of the same classes and channels.
    groups : of each pair: those of a group are all trained on, or all validated on.
    start : name and counter to begin from.
    report : see `neubauer.models.shared.fitting.fit`.
    checkpoint : see there; its identity is set here.

    Raises
    ------
    InputError : fewer than two images, stains are to be varied in images that are not RGB, or `start` sees other
        channels.
    """
    train, held_out = split(pairs, plan.validation, plan.settings.seed, groups)
    typical, per_image, spread = annotated_diameters(pairs, plan.diameter)
    first = pairs[0]
    points = all(p.annotation.kind == "points" for p in pairs)
    stage, again = stages(plan.settings, points)
    if plan.settings.augmentation.stains and first.source.shape[0] != 3:
        raise InputError(
            first.source.path, f"{first.source.shape[0]} channels", "RGB images, where stains are to be varied"
        )
    config = CounterConfig(
        classes=first.annotation.classes,
        channels=first.source.shape[0],
        widths=plan.widths,
        depths=plan.depths,
        layout_diameter=plan.layout_diameter,
        density_sigma=POINT_SIGMA if points else CELL_SIGMA,
        diameter=typical,
        diameter_range=spread,
        extents=not points,
        training={
            "images": len(train),
            "validation_images": len(held_out),
            "cells": int(sum(len(p.annotation) for p in train)),
            "annotation": sorted({p.annotation.kind for p in pairs}),
            "steps": plan.settings.steps,
            "seed": plan.settings.seed,
            **({"all_images_steps": again.steps} if again else {}),
            **({"start": str(start[0])} if start else {}),
        },
    )
    spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
    torch.manual_seed(plan.settings.seed)
    network = LayoutNet(config.channels, spec.channels, config.widths, config.depths)
    if start is not None:
        start_from(network, spec, start[1], start[0])
    data = {id(p): training_image(p, spec, per_image[id(p)], config.percentiles) for p in pairs}
    held_groups = None
    if groups is not None:
        of = {id(p): group for p, group in zip(pairs, groups, strict=True)}
        held_groups = [of[id(p)] for p in held_out]
    counter = _train(network, config, data, train, held_out, held_groups, stage, again, report, checkpoint)
    if start is not None:
        counter.set(counter.config, scale=start[1].scale_)
    sized = ([(p, per_image[id(p)]) for p in part] for part in (train, held_out))
    keep_what_is_known(counter, *sized)
    return counter


def _train(
    network: LayoutNet,
    config: CounterConfig,
    data: dict[int, TrainingImage],
    train: Sequence[Annotated],
    held_out: Sequence[Annotated],
    held_groups: Sequence[str] | None,
    settings: FitSettings,
    again: FitSettings | None,
    report: Report | None,
    kept: Checkpoint | None,
) -> TrainedCounter:
    """Train and calibrate, then go on with all images (`data`, by `id` of the pair) if there is `again`."""
    spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
    found = calibration_in(kept) if kept and again else None
    counter = TrainedCounter()
    if found is None:
        if kept is not None:
            kept = replace(kept, identity=_identity(settings, config), last=False)  # there until it is calibrated
        network = fit_network(network, [data[id(p)] for p in train], spec, settings, report, kept)
        calibrate(counter.set(config, network), held_out, held_groups)
    else:  # stopped when it was going on
        counter.set(config.model_copy(update={"calibration": found}), network)
    if again is None:
        if kept is not None:
            kept.path.unlink()
        return counter
    if kept is not None:
        identity = _identity(again, counter.config)
        kept = replace(kept, identity=identity, resume=found is not None, first=False, last=True)
    network = fit_network(network, list(data.values()), spec, again, later(report, settings.steps), kept)
    return counter.set(counter.config, network)


def _identity(settings: FitSettings, config: CounterConfig) -> dict[str, object]:
    """What makes a training the one that a checkpoint is of."""
    return {"settings": asdict(settings), "config": config.model_dump(mode="json")}
