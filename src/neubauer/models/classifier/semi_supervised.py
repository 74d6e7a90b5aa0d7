"""Training a classifier's network on few labelled and many unlabelled images."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from neubauer.errors import InputError
from neubauer.gan.build import build_game, schema_of
from neubauer.gan.config.base import merge, nearest, validate
from neubauer.gan.config.semi_supervised import SemiSupervisedConfig
from neubauer.gan.data.images import ImageSet
from neubauer.gan.data.labelled import Augmentation, LabelledData
from neubauer.gan.games.classifier_game import ClassifierGame
from neubauer.gan.games.registry import games_of
from neubauer.gan.training.report import Report
from neubauer.gan.training.trainer import Trainer
from neubauer.models.classifier.augment import CellAugmentation, augment, stronger
from neubauer.models.classifier.unlabelled import warn_of_other_kind
from neubauer.nets.classifier import CellNet
from neubauer.recipes import load_recipe, recipe_names

DEFAULT_SEMI_SUPERVISED = "fixmatch"
WEAK = CellAugmentation(free=0.0, shift=0.03, gain=0.0, offset=0.0, channel=0.0, gamma=1.0, erase=0.0)


def semi_supervised_recipes() -> list[str]:
    """Names of the recipes that `fit_semi_supervised` takes."""
    return recipe_names(*games_of("classifier"))


def semi_supervised_config(recipe: str, changes: Mapping[str, Any] | None = None) -> SemiSupervisedConfig:
    """The recipe with everything filled in.

    Raises
    ------
    InputError : no such recipe, a recipe of something else, an unknown key or a value out of range.
    """
    if recipe not in semi_supervised_recipes():
        raise InputError("recipe", repr(recipe), nearest(recipe, semi_supervised_recipes()))
    tables = load_recipe(recipe, changes)
    where = f"recipe {recipe}"
    config: SemiSupervisedConfig = validate(schema_of(tables, where, "classifier"), tables, where)
    return config


def fit_semi_supervised(
    network: CellNet,
    labelled: ImageSet,
    unlabelled: ImageSet,
    recipe: str = DEFAULT_SEMI_SUPERVISED,
    changes: Mapping[str, Any] | None = None,
    *,
    steps: int | None = None,
    seed: int = 0,
    augmentation: CellAugmentation | tuple[Augmentation, Augmentation] = CellAugmentation(),
    out: str | Path | None = None,
    resume: bool = False,
    progress: bool = False,
    on_step: Callable[[int], None] | None = None,
) -> tuple[CellNet, Report]:
    """Train a network; returns it with the moving average of its weights, in evaluation mode, and how it went.

    Parameters
    ----------
    network : (N, C, Y, X) in [-1, 1] -> logits (N, K).
    labelled : images with class indices, at least one of each class.
    unlabelled : images of the same shape and data type; those without a known class. They are normalised like the
        labelled ones.
    recipe : one of `semi_supervised_recipes()`; `changes` are laid over it as nested tables.
    steps : instead of the recipe's.
    seed : of order, augmentation and adversary.
    augmentation : of the labelled images, from which a strong one for the unlabelled ones follows (`stronger`); or a
        weak and a strong one for images that are not of cells.
    out : run folder to keep (see `Trainer`), from which `resume` goes on. Default: nothing is kept.
    progress : show a progress bar.
    on_step : called with the number of steps done, now and then.

    Warns where the unlabelled images look like another stain or microscope (`warn_of_other_kind`).

    Raises
    ------
    InputError : unlabelled images of another shape or data type, a class without a labelled image, or a recipe that
        cannot be used.
    TrainingDiverged : see the monitor.
    """
    check_sets(labelled, unlabelled)
    config = semi_supervised_config(recipe, changes)
    training = {"seed": seed, "steps": steps or config.training.steps}
    training["batch_size"] = min(config.training.batch_size, len(labelled) + len(unlabelled))
    config = semi_supervised_config(recipe, merge(changes or {}, {"training": training}))
    unlabelled = replace(unlabelled, intensity=labelled.intensity, labels=None, classes=())
    warn_of_other_kind(labelled, unlabelled)
    if isinstance(augmentation, tuple):
        weak, strong = augmentation
        usual = strong
    else:
        usual, weak, strong = _cells(augmentation), _cells(WEAK), _cells(stronger(augmentation))
    game: ClassifierGame = build_game(config, network, labelled.shape)
    game.on_step = on_step
    data = LabelledData(labelled, unlabelled, config.labelled_batch, usual, weak, strong, game.views)
    description = config.model_dump(mode="json", exclude={"training"}) | {
        "data": {"labelled": len(labelled), "unlabelled": len(unlabelled), "classes": list(labelled.classes)}
    }
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run" if out is None else Path(out)
        trainer = Trainer(config.training, run, description=description, resume=resume, progress=progress)
        report = trainer.fit(game, data)
    network.load_state_dict(game.teacher.state_dict())
    return network.requires_grad_(True).eval(), report


def check_sets(labelled: ImageSet, unlabelled: ImageSet) -> None:
    """Whether a classifier can be trained on these.

    Raises
    ------
    InputError : see `fit_semi_supervised`.
    """
    if labelled.labels is None or len(labelled.classes) < 2:
        raise InputError("labelled images", f"{len(labelled.classes)} classes", "at least 2")
    for i, name in enumerate(labelled.classes):
        n = int((labelled.labels == i).sum())
        if n < 1:
            raise InputError(f"class {name}", "no labelled image to train on", "at least 1")
    if labelled.shape != unlabelled.shape:
        shape = f"{unlabelled.shape} (channels, height, width)"
        raise InputError("unlabelled images", shape, f"{labelled.shape}, like the labelled images")
    if labelled.images.dtype != unlabelled.images.dtype:
        raise InputError(
            "unlabelled images", str(unlabelled.images.dtype), f"{labelled.images.dtype} like the labelled"
        )


def _cells(how: CellAugmentation) -> Augmentation:
    def changed(x: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return augment(x, how, generator)

    return changed
