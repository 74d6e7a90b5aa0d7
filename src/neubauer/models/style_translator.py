"""`StyleTranslator`: carries images from one stain or microscope to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neubauer.errors import InputError, NeubauerError
from neubauer.gan.checkpoint import module_tensors, restore_module
from neubauer.gan.config import nearest, validate, with_training
from neubauer.gan.games.cut import Cut
from neubauer.gan.games.cyclegan import CycleGan
from neubauer.gan.games.pix2pix import Pix2Pix
from neubauer.gan.games.translation import Translation
from neubauer.gan.image_pairs import Domain, ImagePairs, pair_by_name
from neubauer.gan.images import IntensityRange
from neubauer.gan.report import Report
from neubauer.gan.run_folder import kept_or_temporary
from neubauer.gan.trainer import Trainer
from neubauer.gan.translation_config import (
    ClassicalConfig,
    CutConfig,
    CycleGanConfig,
    Pix2PixConfig,
    TranslatorConfig,
)
from neubauer.images.find import find_images
from neubauer.images.source import ImageSource
from neubauer.images.stain_transfer import METHODS, LabStatistics, StainStatistics, Statistics
from neubauer.models.counter_inputs import ImageLike, as_source, same_numbers
from neubauer.models.translate_image import classical_source, read_in_tiles, sample_colours, translated_source
from neubauer.nets.blocks import channels_last
from neubauer.nets.store import load_model, save_model
from neubauer.nets.translator import TranslatorNet
from neubauer.recipes import load_recipe

KIND = "translator"
DEFAULT = "cut"
Config = TranslatorConfig | ClassicalConfig
SCHEMAS: dict[str, type[Config]] = {
    "pix2pix": Pix2PixConfig,
    "cyclegan": CycleGanConfig,
    "cut": CutConfig,
    "reinhard": ClassicalConfig,
    "macenko": ClassicalConfig,
}
WAYS = ("a2b", "b2a")


class StyleTranslator:
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
        self.config: Config = validate(_schema(tables, f"recipe {recipe}"), tables, f"recipe {recipe}")
        self.report: Report | None = None
        self.channels = (0, 0)
        self.intensity: dict[str, IntensityRange] = {}
        self._networks: dict[str, TranslatorNet] = {}
        self._statistics: dict[str, Statistics] = {}

    # --- training

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
        game = build_translation(self.config, (pairs.a.channels, pairs.b.channels))
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
        self._set(game)
        if trainer.fabric.is_global_zero:
            self.save(run / "model.safetensors")
        return self

    def _set(self, game: Translation) -> None:
        self._networks = {}  # not the old one changed: whoever chooses among rounds may have kept it
        networks = game.generator
        assert isinstance(networks, torch.nn.ModuleDict)
        for way in WAYS:
            if way in networks:
                network = networks[way]
                assert isinstance(network, TranslatorNet)
                self._networks[way] = channels_last(network.eval().requires_grad_(False).cpu())

    # --- using it

    @property
    def networks(self) -> dict[str, TranslatorNet]:
        """The network of each way; empty for a classical method."""
        return self._networks

    @networks.setter
    def networks(self, networks: dict[str, TranslatorNet]) -> None:
        self._networks = networks

    @property
    def ways(self) -> tuple[str, ...]:
        """Directions that `predict` takes; none before `fit` or `load`."""
        return WAYS if self._statistics else tuple(self._networks)

    def source(self, image: ImageLike, way: str = "a2b") -> ImageSource:
        """The translation as an image that is read by region: what is asked for is translated.

        Parameters
        ----------
        image : of A (of B for `b2a`): file, array or source.
        way : `"a2b"` or `"b2a"`.

        Returns
        -------
        ImageSource : of the channels, data type and intensity range of the other domain (classical methods: of the
            image).

        Raises
        ------
        InputError : not an image, other channels or (but for classical methods) data type than the domain's, or a way
            that this translator does not know.
        NeubauerError : not fitted.
        """
        if not self.ways:
            raise NeubauerError("this StyleTranslator is not fitted: call fit() or StyleTranslator.load() first")
        if way not in self.ways:
            raise InputError("way", repr(way), "one of " + ", ".join(self.ways))
        source = as_source(image, self.channels[0 if way == "a2b" else 1])
        if self._statistics:
            method = METHODS[self.config.game]
            return classical_source(source, method, self._statistics[way[2]])
        same_numbers(source, self.intensity[way[0]].dtype)
        return translated_source(source, self._networks[way], self.intensity[way[0]], self.intensity[way[2]])

    def predict(self, image: ImageLike, way: str = "a2b", *, tile: int = 1024) -> np.ndarray:
        """Translate an image of any size.

        Parameters
        ----------
        image, way : see `source`.
        tile : side of the tiles, pixels; the result does not depend on it, memory does.

        Returns
        -------
        (C', Y, X) in the data type and range of the other domain (classical methods: of the image).

        Raises
        ------
        InputError, NeubauerError : see `source`.
        """
        return read_in_tiles(self.source(image, way), tile)

    # --- files

    def save(self, path: str | Path) -> Path:
        """Write the translator as one `.safetensors` file.

        Raises
        ------
        OutputError : it cannot be written.
        NeubauerError : not fitted.
        """
        if not self.ways:
            raise NeubauerError("this StyleTranslator is not fitted: there is nothing to save")
        header = {
            "config": self.config.model_dump(mode="json"),
            "channels": list(self.channels),
            "ways": list(self.ways),
            "intensity": {name: asdict(intensity) for name, intensity in self.intensity.items()},
            "statistics": {name: asdict(found) for name, found in self._statistics.items()},
        }
        tensors: dict[str, torch.Tensor] = {}
        for way, network in self._networks.items():
            tensors |= module_tensors(way, network)
        return save_model(path, KIND, header, tensors)

    @classmethod
    def load(cls, path: str | Path) -> StyleTranslator:
        """Read a translator that `save` wrote.

        Raises
        ------
        InputError : no such file, not a translator, or damaged.
        """
        header, tensors = load_model(path, KIND)
        self = cls.__new__(cls)
        self.config = validate(_schema(header["config"], str(path)), header["config"], str(path))
        self.report, self._networks, self._statistics = None, {}, {}
        self.channels = (header["channels"][0], header["channels"][1])
        self.intensity = {
            name: IntensityRange(tuple((low, high) for low, high in found["limits"]), found["dtype"])
            for name, found in header["intensity"].items()
        }
        kind = StainStatistics if self.config.game == "macenko" else LabStatistics
        self._statistics = {name: kind(**_tuples(found)) for name, found in header["statistics"].items()}
        for way in header["ways"] if not self._statistics else ():
            assert isinstance(self.config, TranslatorConfig)
            network = Translation.translator(self.config, *(self.channels if way == "a2b" else self.channels[::-1]))
            restore_module(way, network, tensors, Path(path))
            self._networks[way] = channels_last(network.eval().requires_grad_(False))
        return self


def build_translation(config: TranslatorConfig, channels: tuple[int, int]) -> Translation:
    """The game of a recipe, with weights that depend only on the config's seed.

    Raises
    ------
    InputError : the method needs the same number of channels on both sides, and they differ.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        if isinstance(config, Pix2PixConfig):
            return Pix2Pix(config, channels)
        if isinstance(config, CycleGanConfig):
            return CycleGan(config, channels)
        assert isinstance(config, CutConfig)
        if channels[0] != channels[1]:
            found = f"{channels[0]} channels in A and {channels[1]} in B"
            raise InputError("recipe cut", found, "the same number, or --recipe cyclegan")
        return Cut(config, channels)


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


def _tuples(found: Mapping[str, Any]) -> dict[str, Any]:
    """Lists, as JSON has them, as the tuples that they were."""
    return {k: tuple(tuple(v) if isinstance(v, list) else v for v in value) for k, value in found.items()}


def _schema(tables: Mapping[str, Any], where: str) -> type[Config]:
    game = str(tables.get("game"))
    if game not in SCHEMAS:
        raise InputError(where, f"game = {game!r}", f"a recipe that translates: {nearest(game, SCHEMAS)}")
    return SCHEMAS[game]
