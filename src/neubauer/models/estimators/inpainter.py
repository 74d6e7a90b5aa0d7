"""`Inpainter`: learns what images look like, to fill in damaged regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neubauer.gan.config.base import validate, with_training
from neubauer.gan.config.inpainting import InpaintingConfig
from neubauer.gan.data.holes import HoleCrops
from neubauer.gan.data.image_pairs import Domain
from neubauer.gan.games.inpainting import Inpainting
from neubauer.gan.training.run_folder import kept_or_temporary
from neubauer.gan.training.trainer import Trainer
from neubauer.images.find import find_images
from neubauer.models.inpainter.predict import KIND, TrainedInpainter
from neubauer.models.kinds import KINDS
from neubauer.models.shared.inputs import ImageLike, as_source
from neubauer.nets.inpainting import InpaintingNet
from neubauer.recipes import load_recipe

RECIPE = "inpainting"
FIRST = 32
"""Crops by which intensities are standardised, and of which some are shown in previews."""


@KINDS.register(KIND)
class Inpainter(TrainedInpainter):
    """Learns what images look like, and fills in holes accordingly.

    Parameters
    ----------
    changes : what is to differ from the recipe `inpainting`, as nested tables.

    Attributes
    ----------
    config : the recipe with everything filled in.
    channels : C of the images.
    report : how training went (None for a loaded model).

    Raises
    ------
    InputError : unknown key (the nearest is suggested), or a value out of range.
    """

    def __init__(self, changes: Mapping[str, Any] | None = None) -> None:
        super().__init__(validate(InpaintingConfig, load_recipe(RECIPE, changes), f"recipe {RECIPE}"))

    def fit(
        self,
        images: str | Path | Sequence[ImageLike],
        *,
        steps: int | None = None,
        seed: int | None = None,
        out: str | Path | None = None,
        resume: bool = False,
        progress: bool = False,
    ) -> Inpainter:
        """Train on undamaged images; holes are cut into crops of them.

        Parameters
        ----------
        images : folder, files or arrays, of any size, all with the same channels and data type.
        steps, seed : instead of the recipe's.
        out : run folder to keep; by default nothing is kept.
        resume : go on with the run in `out`, exactly as if it had not stopped.
        progress : show a progress bar.

        Raises
        ------
        InputError : unusable images, or a run folder that is taken or cannot be resumed (see `Trainer`).
        TrainingDiverged : training failed; the message says what to change.
        """
        self.config = with_training(self.config, steps, seed)
        given: Sequence[ImageLike] = find_images([str(images)]) if isinstance(images, str | Path) else images
        domain = Domain.of([as_source(image) for image in given], "the training set")
        with kept_or_temporary(out) as run:
            return self._fit(domain, run, resume, progress)

    def _fit(self, domain: Domain, run: Path, resume: bool, progress: bool) -> Inpainter:
        seed = self.config.training.seed
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            game = Inpainting(self.config, domain.channels)
        data = HoleCrops(domain, self.config.crop, self.config.holes, seed)
        game.start(data.batch(np.linspace(0, len(data) - 1, FIRST).astype(int), np.random.default_rng(seed)))
        description = self.config.model_dump(mode="json", exclude={"training"}) | {
            "data": [len(domain.sources), domain.channels, asdict(domain.intensity)]
        }
        trainer = Trainer(self.config.training, run, description=description, resume=resume, progress=progress)
        self.report = trainer.fit(game, data)
        assert isinstance(game.generator, InpaintingNet)
        self.set(game.generator, domain.channels, domain.intensity)
        if trainer.fabric.is_global_zero:
            self.save(run / "model.safetensors")
        return self
