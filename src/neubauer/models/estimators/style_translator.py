"""`StyleTranslator`: learns to carry images from one stain or microscope to another."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.errors import InputError
from neubauer.gan.build import build_game
from neubauer.gan.config.base import with_training
from neubauer.gan.config.translation import (
    ClassicalConfig,
    Pix2PixConfig,
    TranslatorConfig,
)
from neubauer.gan.data.image_pairs import Domain, ImagePairs, pair_by_name
from neubauer.gan.training.run_folder import kept_or_temporary
from neubauer.gan.training.trainer import Trainer
from neubauer.images.find import find_images
from neubauer.images.source import ImageSource
from neubauer.images.stain_transfer import METHODS
from neubauer.models.kinds import KINDS
from neubauer.models.shared.inputs import ImageLike, as_source
from neubauer.models.translator.gate import Gate, total_drift
from neubauer.models.translator.predict import KIND, TrainedTranslator, config_of
from neubauer.models.translator.tiles import sample_colours
from neubauer.recipes import load_recipe

DEFAULT = "cut"


@KINDS.register(KIND)
class StyleTranslator(TrainedTranslator):
    """Image to image, A to B; with CycleGAN and the classical methods also back.

    Parameters
    ----------
    recipe : `cut` and `cyclegan` learn from unpaired images, `pix2pix` from pairs of one file name; `reinhard` and
        `macenko` only compare colours, in seconds.
    changes : what is to differ from the recipe, as nested tables.

    Attributes
    ----------
    config : the recipe with everything filled in.
    channels : (C of A, C of B).
    ways : `("a2b",)` or `("a2b", "b2a")`.
    report : how training went (None where there was none).

    Raises
    ------
    InputError : unknown recipe or key (the nearest name is suggested), or a value out of range.
    """

    def __init__(self, recipe: str = DEFAULT, changes: Mapping[str, Any] | None = None) -> None:
        tables = load_recipe(recipe, changes)
        super().__init__(config_of(tables, f"recipe {recipe}"))

    def fit(
        self,
        a: str | Path | Sequence[ImageLike],
        b: str | Path | Sequence[ImageLike],
        *,
        steps: int | None = None,
        seed: int | None = None,
        out: str | Path | None = None,
        resume: bool = False,
        progress: bool = False,
    ) -> StyleTranslator:
        """Learn to carry images of A to B.

        Parameters
        ----------
        a, b : folders, files or arrays; for `pix2pix` images of the same place have the same name, or the same place
            in the lists of arrays.
        steps, seed : instead of the recipe's.
        out : run folder to keep; by default nothing is kept.
        resume : go on with the run in `out`, exactly as if it had not stopped.
        progress : show a progress bar.

        Raises
        ------
        InputError : unusable images, fewer than two in a domain, the same images in both, other channels where the
            method needs the same, or a run folder that is taken or cannot be resumed (see `Trainer`).
        TrainingDiverged : training failed; the message says what to change.
        """
        sources = [_sources(images) for images in (a, b)]
        _check_distinct(*sources)
        if isinstance(self.config, ClassicalConfig):
            return self._fit_colours(*sources)
        self.config = with_training(self.config, steps, seed)
        paired = isinstance(self.config, Pix2PixConfig)
        if paired and any(s.path.exists() for part in sources for s in part):
            sources = list(pair_by_name(*sources))
        if paired and len(sources[0]) != len(sources[1]):
            raise InputError("images of A and B", f"{len(sources[0])} and {len(sources[1])}", "pairs")
        pairs = ImagePairs(Domain.of(sources[0], "A"), Domain.of(sources[1], "B"), self.config.crop, paired)
        with kept_or_temporary(out) as run:
            return self._fit(pairs, run, resume, progress)

    def _fit_colours(self, a: list[ImageSource], b: list[ImageSource]) -> StyleTranslator:
        self._statistics = {}
        for name, sources in (("a", a), ("b", b)):
            domain = Domain.of(sources, name.upper())
            if domain.channels != 3:
                raise InputError(
                    sources[0].path, f"{domain.channels} channels", "RGB images, for a colour normalisation"
                )
            pixels = sample_colours(sources)
            self._statistics[name] = METHODS[self.config.game].of(pixels)
        self.channels = (3, 3)
        return self

    def _fit(self, pairs: ImagePairs, run: Path, resume: bool, progress: bool) -> StyleTranslator:
        assert isinstance(self.config, TranslatorConfig)
        game = build_game(self.config, (pairs.a.channels, pairs.b.channels))
        description = self.config.model_dump(mode="json", exclude={"training"}) | {
            "data": {n: [len(d.sources), d.channels, asdict(d.intensity)] for n, d in (("a", pairs.a), ("b", pairs.b))}
        }
        game.show(pairs.batch(np.arange(6), np.random.default_rng(self.config.training.seed)))
        training = self.config.training
        constant = training.generator.schedule == training.discriminator.schedule == "constant"
        # a longer run repeats a shorter one where nothing depends on how far the end is
        may_differ = {"training.steps"} if constant else ()
        trainer = Trainer(
            training, run, description=description, resume=resume, may_differ=may_differ, progress=progress
        )
        self.report = trainer.fit(game, pairs)
        self.channels = (pairs.a.channels, pairs.b.channels)
        self.intensity = {"a": pairs.a.intensity, "b": pairs.b.intensity}
        self.set(game)
        if trainer.fabric.is_global_zero:
            self.save(run / "model.safetensors")
        return self


def fit_by_gate(
    translator: StyleTranslator,
    a: str | Path | Sequence[ImageLike],
    b: str | Path | Sequence[ImageLike],
    gate: Gate,
    *,
    steps: int | None = None,
    seed: int | None = None,
    out: str | Path | None = None,
    progress: bool = False,
    rounds: int = 5,
    images: int = 8,
) -> list[dict[str, float]]:
    """Train in rounds, and keep the translator of the latest round that leaves the cells alone.

    A translation may look ever more like B while it moves, drops or invents cells, and no distance between image
    distributions would tell. After each round some images of A are translated and counted. Training ends when the limit
    of the gate was exceeded twice in a row. Learning rates are constant, since the end is not known beforehand.

    Parameters
    ----------
    translator : of a recipe with networks; trained in place.
    a, b, steps, seed, out, progress : see `StyleTranslator.fit`.
    gate : what counts.
    rounds : parts that the steps are divided into.
    images : of A that are checked, at most.

    Returns
    -------
    For each round: `steps`, `drift` (lost and invented cells over cells), `kept` (1 for the round that was kept). Where
    no round was within the limit, the one of least drift is kept.

    Raises
    ------
    InputError : as `StyleTranslator.fit`; or the recipe is a classical one, which has no rounds.
    """
    if not isinstance(translator.config, TranslatorConfig):
        raise InputError(f"recipe {translator.config.recipe}", "no training", "a recipe that is trained")
    if out is None:
        with tempfile.TemporaryDirectory() as folder:
            run = Path(folder) / "run"
            return fit_by_gate(
                translator, a, b, gate, steps=steps, seed=seed, out=run, progress=progress, rounds=rounds, images=images
            )
    training = translator.config.training
    rates = {
        player: getattr(training, player).model_copy(update={"schedule": "constant"})
        for player in ("generator", "discriminator")
    }
    translator.config = translator.config.model_copy(update={"training": training.model_copy(update=rates)})
    every = find_images([str(a)]) if isinstance(a, str | Path) else list(a)
    shown = [every[i] for i in np.linspace(0, len(every) - 1, min(images, len(every))).round().astype(int)]
    total = steps or training.steps
    history: list[dict[str, float]] = []
    kept, best = translator.networks, np.inf
    for i in range(1, rounds + 1):
        done = round(total * i / rounds)
        translator.fit(a, b, steps=done, seed=seed, out=out, resume=i > 1, progress=progress)
        drift = total_drift(gate.check_all(translator, shown))
        history.append({"steps": done, "drift": drift, "kept": 0.0})
        if drift <= max(gate.limit, best):
            kept, best = translator.networks, max(drift, gate.limit)
            for row in history:
                row["kept"] = float(row is history[-1])
        if len(history) > 1 and all(row["drift"] > gate.limit for row in history[-2:]):
            break
    translator.networks = kept
    translator.save(Path(out) / "model.safetensors")
    return history


def _sources(images: str | Path | Sequence[ImageLike]) -> list[ImageSource]:
    given: Sequence[ImageLike] = find_images([str(images)]) if isinstance(images, str | Path) else images
    return [as_source(image) for image in given]


def _check_distinct(a: Sequence[ImageSource], b: Sequence[ImageSource]) -> None:
    for name, sources in (("A", a), ("B", b)):
        if len(sources) < 2:
            found = f"{len(sources)} image{'s' * (len(sources) != 1)}"
            raise InputError(f"images of {name}", found, "at least 2, better 20 or more")
    files = [{s.path.resolve() for s in sources if s.path.exists()} for sources in (a, b)]
    both = files[0] & files[1]
    if both:
        raise InputError("images of A and B", f"{min(both)} in both", "images of two different kinds")
