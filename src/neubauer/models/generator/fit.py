"""A generator from images: one game, played by the trainer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neubauer.gan.build import build_game, data_fingerprint
from neubauer.gan.config.image import GenerativeConfig
from neubauer.gan.data.images import ImageSet
from neubauer.gan.games.image_gan import NoiseToImage
from neubauer.gan.training.monitor import Monitor, Reference
from neubauer.gan.training.run_folder import kept_or_temporary
from neubauer.gan.training.trainer import Trainer
from neubauer.metrics.features import RandomEncoder
from neubauer.models.generator.pictures import draw_run_pictures
from neubauer.models.generator.sample import TrainedGenerator


def fit_generator(
    config: GenerativeConfig,
    data: ImageSet,
    out: str | Path | None = None,
    *,
    resume: bool = False,
    progress: bool = False,
) -> TrainedGenerator:
    """Train a generator; it knows how that went (`report`).

    Parameters
    ----------
    config : a recipe with everything filled in.
    data : images (N, C, Y, X), with classes if there are any.
    out, resume, progress : see `ImageGenerator.fit`.

    Raises
    ------
    InputError : fewer than a batch of images, classes missing for a recipe that needs them, a run folder that is taken,
        or one that cannot be resumed (see `Trainer`).
    TrainingDiverged : training failed; the message says what to change.
    """
    with kept_or_temporary(out) as run:
        return _fit(config, data, run, resume, progress)


def _fit(config: GenerativeConfig, data: ImageSet, run: Path, resume: bool, progress: bool) -> TrainedGenerator:
    game = build_game(config, data.shape, len(data.classes))
    assert isinstance(game, NoiseToImage)
    description = config.model_dump(mode="json", exclude={"training"}) | {"data": data_fingerprint(data)}
    constant = config.training.generator.schedule == config.training.discriminator.schedule == "constant"
    trainer = Trainer(
        config.training,
        run,
        description=description,
        resume=resume,
        # a longer run repeats a shorter one where nothing depends on how far the end is
        may_differ={"training.steps"} if constant and not description.get("instance_noise") else (),
        progress=progress,
    )
    train, holdout = data.split(config.holdout, config.training.seed)
    trained = TrainedGenerator(config)
    trained.report = trainer.fit(game, train, Monitor(config.training.monitor, _reference(config, train, holdout)))
    trained.set(game, data.shape, data.classes, data.intensity)
    if trainer.fabric.is_global_zero:
        trained.save(run / "model.safetensors")
        if trained.report.reason == "finished":
            draw_run_pictures(trained, train, run)
    return trained


def _reference(config: GenerativeConfig, train: ImageSet, holdout: ImageSet | None) -> Reference | None:
    monitor = config.training.monitor
    if not monitor.every:
        return None
    rng = np.random.default_rng(config.training.seed)
    chosen = rng.permutation(len(train))[: monitor.references]
    items = train.batch(chosen, rng)
    held = holdout.batch(np.arange(len(holdout)), rng) if holdout is not None else None
    return Reference(RandomEncoder(items["image"]), items, held)
