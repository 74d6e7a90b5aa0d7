"""`ImageGenerator`: learns what images look like, and makes new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.gan.build import schema_of
from neubauer.gan.config.base import validate, with_training
from neubauer.gan.data.images import images_from_array, images_from_folder
from neubauer.models.generator.fit import fit_generator
from neubauer.models.generator.sample import KIND, TrainedGenerator
from neubauer.models.kinds import KINDS
from neubauer.recipes import DEFAULT_GENERATOR, load_recipe


@KINDS.register(KIND)
class ImageGenerator(TrainedGenerator):
    """A generative model of images of one size, with any bit depth and number of channels, per class if there are
    classes.

    Parameters
    ----------
    recipe : name of a recipe (`neubauer.recipes.recipe_names("image-gan", "vae")`).
    changes : what is to differ from the recipe, as nested tables: `{"training": {"batch_size": 32}, "r1": 0.5}`.

    Attributes
    ----------
    config : the recipe with everything filled in.
    classes : class names that can be asked for; empty for a recipe without classes.
    shape : (C, Y, X) of the samples.
    report : how training went (None for a loaded model).

    Raises
    ------
    InputError : unknown recipe or key (the nearest name is suggested), or a value out of range.
    """

    def __init__(self, recipe: str = DEFAULT_GENERATOR, changes: Mapping[str, Any] | None = None) -> None:
        tables = load_recipe(recipe, changes)
        where = f"recipe {recipe}"
        super().__init__(validate(schema_of(tables, where, "images"), tables, where))

    def fit(
        self,
        images: str | Path | np.ndarray,
        classes: Sequence[str] | None = None,
        *,
        steps: int | None = None,
        seed: int | None = None,
        out: str | Path | None = None,
        resume: bool = False,
        progress: bool = False,
    ) -> ImageGenerator:
        """Train.

        Parameters
        ----------
        images : folder of images of one size (one sub-folder per class, if there are classes), or array (N, C, Y, X) or
            (N, Y, X).
        classes : class name of each image of an array.
        steps, seed : instead of the recipe's.
        out : run folder to keep: config, metrics, pictures, checkpoint, report and `model.safetensors`. Default:
            nothing is kept.
        resume : go on with the run in `out`, exactly as if it had not stopped.
        progress : show a progress bar.

        Raises
        ------
        InputError : unusable images (see `neubauer.gan.data.images`), fewer than a batch, classes missing for a
            recipe that needs them, a run folder that is taken, or one that cannot be resumed (see `Trainer`).
        TrainingDiverged : training failed; the message says what to change.
        """
        self.config = with_training(self.config, steps, seed)
        data = images_from_folder(images) if isinstance(images, str | Path) else images_from_array(images, classes)
        trained = fit_generator(self.config, data, out, resume=resume, progress=progress)
        self.report = trained.report
        self.set(trained.game, trained.shape, data.classes, trained.intensity)
        return self
