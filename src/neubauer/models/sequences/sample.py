"""A generator of sequences that is trained: new sequences from it."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import numpy as np
import torch

from neubauer.errors import InputError, NeubauerError
from neubauer.gan.config.base import nearest, validate
from neubauer.gan.config.sequence import SequenceGanConfig
from neubauer.gan.games.sequence_gan import SequenceGan
from neubauer.gan.training.checkpoint import module_tensors, restore_module
from neubauer.gan.training.report import Report
from neubauer.nets.store import load_model, save_model
from neubauer.sequences.alphabet import UNKNOWN, Alphabet, find_alphabet

KIND = "sequence-generator"
SAMPLES_AT_ONCE = 128


class TrainedSequenceGenerator:
    """Makes DNA, RNA or protein sequences, per class if there are classes.

    Attributes
    ----------
    config : the recipe with everything filled in.
    classes : class names that can be asked for; empty where the sequences had none.
    length : of the samples; with padding, at most.
    report : how training went (None for a loaded model).
    """

    length: int
    classes: tuple[str, ...]

    def __init__(self, config: SequenceGanConfig, alphabet: Alphabet, pad: bool) -> None:
        self.config, self.alphabet, self.pad = config, alphabet, pad
        self.report: Report | None = None
        self._game: SequenceGan | None = None

    def build(self) -> SequenceGan:
        """Networks whose weights depend only on the config's seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.training.seed)
            return SequenceGan(self.config, len(self.alphabet) + self.pad, self.length, len(self.classes))

    @property
    def game(self) -> SequenceGan:
        """The networks.

        Raises
        ------
        NeubauerError : not fitted.
        """
        if self._game is None:
            raise NeubauerError("this SequenceGenerator has not been fitted: call fit, or load one")
        return self._game

    def sample(self, n: int, class_name: str | None = None, *, seed: int = 0) -> list[str]:
        """New sequences: the most likely letter at each position. With padding, a sequence ends before its first pad
        and has at least one letter.

        Parameters
        ----------
        n : how many.
        class_name : of this class; by default all classes in turn.
        seed : the same seed gives the same sequences.

        Raises
        ------
        InputError : a class that the model does not have, or a number below 1.
        """
        if n < 1:
            raise InputError("n", str(n), "at least 1")
        game = self.game
        labels = torch.tensor([self.classes.index(c) for c in self.classes_of(n, class_name)])
        parts = []
        device = next(game.parameters()).device
        with torch.no_grad(), torch.random.fork_rng():
            torch.manual_seed(seed)
            z = torch.randn(n, game.latent)
            for i in range(0, n, SAMPLES_AT_ONCE):
                label = labels[i : i + SAMPLES_AT_ONCE].to(device) if self.classes else None
                shares = game.generator(z[i : i + SAMPLES_AT_ONCE].to(device), label).float().cpu()
                if self.pad:
                    shares[:, -1, 0] = -1
                parts.append(shares.argmax(1))
        made = torch.cat(parts).numpy()
        ended = np.maximum.accumulate(made == len(self.alphabet), axis=1)
        return self.alphabet.text(np.where(ended, UNKNOWN, made))

    def classes_of(self, n: int, class_name: str | None = None) -> list[str]:
        """Class of each of `n` samples; empty where the model knows no classes.

        Raises
        ------
        InputError : a class that the model does not have.
        """
        if class_name is not None and class_name not in self.classes:
            expected = nearest(class_name, self.classes) if self.classes else "no class: this model knows none"
            raise InputError("class", repr(class_name), expected)
        if class_name is not None:
            return [class_name] * n
        return [self.classes[i % len(self.classes)] for i in range(n)] if self.classes else []

    def save(self, path: str | Path) -> Path:
        """Write the model as one `.safetensors` file.

        Raises
        ------
        OutputError : it cannot be written.
        NeubauerError : not fitted.
        """
        tensors = module_tensors("game", self.game)
        config = {
            "config": self.config.model_dump(mode="json"),
            "alphabet": self.alphabet.name,
            "pad": self.pad,
            "length": self.length,
            "classes": list(self.classes),
        }
        return save_model(path, KIND, config, tensors)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model that `save` wrote.

        Raises
        ------
        InputError : no such file, not a generator of sequences, or damaged.
        """
        header, tensors = load_model(path, KIND)
        self = cls.__new__(cls)
        config = validate(SequenceGanConfig, header["config"], str(path))
        TrainedSequenceGenerator.__init__(self, config, find_alphabet(header["alphabet"]), bool(header["pad"]))
        self.length, self.classes = int(header["length"]), tuple(header["classes"])
        game = self.build()
        restore_module("game", game, tensors, Path(path))
        self._game = game.eval().requires_grad_(False)
        return self
