"""A translator that is trained: an image of one kind to the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from neubauer.errors import InputError, NeubauerError
from neubauer.gan.build import schema_of
from neubauer.gan.config.base import nearest, validate
from neubauer.gan.config.translation import (
    ClassicalConfig,
    TranslatorConfig,
)
from neubauer.gan.data.images import IntensityRange
from neubauer.gan.games.registry import games_of
from neubauer.gan.games.translation import Translation
from neubauer.gan.training.checkpoint import module_tensors, restore_module
from neubauer.gan.training.report import Report
from neubauer.images.source import ImageSource
from neubauer.images.stain_transfer import METHODS, LabStatistics, StainStatistics, Statistics
from neubauer.models.shared.inputs import ImageLike, as_source, same_numbers
from neubauer.models.translator.tiles import classical_source, read_in_tiles, translated_source
from neubauer.nets.blocks import channels_last
from neubauer.nets.store import load_model, save_model
from neubauer.nets.translator import TranslatorNet

KIND = "translator"
Config = TranslatorConfig | ClassicalConfig
WAYS = ("a2b", "b2a")


class TrainedTranslator:
    """Image to image, A to B; with CycleGAN and the classical methods also back.

    Attributes
    ----------
    config : the recipe with everything filled in.
    channels : (C of A, C of B).
    ways : `("a2b",)` or `("a2b", "b2a")`.
    report : how training went (None where there was none).
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.report: Report | None = None
        self.channels = (0, 0)
        self.intensity: dict[str, IntensityRange] = {}
        self._networks: dict[str, TranslatorNet] = {}
        self._statistics: dict[str, Statistics] = {}

    def set(self, game: Translation) -> None:
        """Take over the networks of a game that was played."""
        self._networks = {}  # not the old one changed: whoever chooses among rounds may have kept it
        networks = game.generator
        assert isinstance(networks, torch.nn.ModuleDict)
        for way in WAYS:
            if way in networks:
                network = networks[way]
                assert isinstance(network, TranslatorNet)
                self._networks[way] = channels_last(network.eval().requires_grad_(False).cpu())

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
            image). What is missing of the image (NaN, infinite) is missing of it.

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
        (C', Y, X) in the data type and range of the other domain (classical methods: of the image). Missing pixels are
        NaN in floats; in integers they are translated as if the median of the image were there.

        Raises
        ------
        InputError, NeubauerError : see `source`.
        """
        return read_in_tiles(self.source(image, way), tile)

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
    def load(cls, path: str | Path) -> Self:
        """Read a translator that `save` wrote.

        Raises
        ------
        InputError : no such file, not a translator, or damaged.
        """
        header, tensors = load_model(path, KIND)
        self = cls.__new__(cls)
        config = config_of(header["config"], str(path))
        TrainedTranslator.__init__(self, config)
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


def _tuples(found: Mapping[str, Any]) -> dict[str, Any]:
    """Lists, as JSON has them, as the tuples that they were."""
    return {k: tuple(tuple(v) if isinstance(v, list) else v for v in value) for k, value in found.items()}


def config_of(tables: Mapping[str, Any], where: str) -> Config:
    """A recipe with everything filled in.

    Raises
    ------
    InputError : a recipe of something else, an unknown key, or a value out of range.
    """
    game, known = str(tables.get("game")), {**games_of("translation"), **METHODS}
    if game not in known:
        raise InputError(where, f"game = {game!r}", f"a recipe that translates: {nearest(game, known)}")
    if game in METHODS:
        return validate(ClassicalConfig, tables, where)
    config: TranslatorConfig = validate(schema_of(tables, where, "translation"), tables, where)
    return config
