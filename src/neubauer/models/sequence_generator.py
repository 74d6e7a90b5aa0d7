"""`SequenceGenerator`: learns what sequences look like, and makes new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neubauer.errors import InputError, NeubauerError
from neubauer.gan.checkpoint import module_tensors, restore_module
from neubauer.gan.config import nearest, validate, with_training
from neubauer.gan.games.sequence_gan import SequenceGan
from neubauer.gan.monitor import Monitor, Reference
from neubauer.gan.report import Report
from neubauer.gan.run_folder import kept_or_temporary
from neubauer.gan.sequence_config import SequenceGanConfig
from neubauer.gan.sequence_data import SequenceData, fingerprint, sequence_data
from neubauer.gan.trainer import Trainer
from neubauer.metrics.sequence_features import WindowEncoder
from neubauer.nets.store import load_model, save_model
from neubauer.recipes import load_recipe, recipe_names
from neubauer.sequences.alphabet import UNKNOWN, find_alphabet
from neubauer.sequences.read import SequenceSet, read_sequences, sequences_from

KIND = "sequence-generator"
DEFAULT_RECIPE = "dna-draft"
SAMPLES_AT_ONCE = 128


class SequenceGenerator:
    """A generative model of DNA, RNA or protein sequences, per class if there are classes.

    Parameters
    ----------
    recipe : name of a recipe (`neubauer.recipes.recipe_names("sequence-gan")`).
    changes : what is to differ from the recipe, as nested tables: `{"training": {"batch_size": 32}}`.
    alphabet : `dna`, `rna` or `protein`.
    pad : whether sequences may differ in length; the model then learns where they end.

    Attributes
    ----------
    config : the recipe with everything filled in.
    classes : class names that can be asked for; empty where the sequences had none.
    length : of the samples; with padding, at most.
    report : how training went (None for a loaded model).

    Raises
    ------
    InputError : unknown recipe, key or alphabet (the nearest name is suggested), or a value out of range.
    """

    def __init__(
        self,
        recipe: str = DEFAULT_RECIPE,
        changes: Mapping[str, Any] | None = None,
        *,
        alphabet: str = "dna",
        pad: bool = False,
    ) -> None:
        tables = load_recipe(recipe, changes)
        if tables.get("game") != "sequence-gan":
            known = nearest(recipe, recipe_names("sequence-gan"))
            raise InputError(f"recipe {recipe}", f"game = {tables.get('game')!r}", f"a recipe for sequences: {known}")
        self.config = validate(SequenceGanConfig, tables, f"recipe {recipe}")
        self.alphabet, self.pad = find_alphabet(alphabet), pad
        self.report: Report | None = None
        self._game: SequenceGan | None = None

    def fit(
        self,
        sequences: str | Path | Sequence[str],
        classes: Sequence[str] | None = None,
        *,
        steps: int | None = None,
        seed: int | None = None,
        out: str | Path | None = None,
        resume: bool = False,
        progress: bool = False,
    ) -> SequenceGenerator:
        """Train.

        Parameters
        ----------
        sequences : a file (FASTA, FASTQ, plain lines or UCI promoter format; see `read_sequences`), or strings.
        classes : class name of each string.
        steps, seed : instead of the recipe's.
        out : run folder to keep: config, metrics, pictures, checkpoint, report and `model.safetensors`. Default:
            nothing is kept.
        resume : go on with the run in `out`, exactly as if it had not stopped.
        progress : show a progress bar.

        Raises
        ------
        InputError : unusable sequences (see `read_sequences`), fewer than a batch, a run folder that is taken, or one
            that cannot be resumed (see `Trainer`).
        TrainingDiverged : training failed; the message says what to change.
        """
        self.config = with_training(self.config, steps, seed)
        if isinstance(sequences, str | Path):
            data = read_sequences(sequences, self.alphabet.name, pad=self.pad)
        else:
            data = sequences_from(sequences, classes, self.alphabet.name, self.pad)
        with kept_or_temporary(out) as run:
            return self._fit(data, run, resume, progress)

    def _fit(self, sequences: SequenceSet, run: Path, resume: bool, progress: bool) -> SequenceGenerator:
        data = sequence_data(sequences, self.pad)
        self.length = data.shares.shape[2]
        self.classes = sequences.class_names if data.labels is not None else ()
        train, held_out = data.split(self.config.holdout, self.config.training.seed)
        game = self._build()
        game.prepare(train)
        description = self.config.model_dump(mode="json", exclude={"training"})
        constant = self.config.training.generator.schedule == self.config.training.discriminator.schedule == "constant"
        trainer = Trainer(
            self.config.training,
            run,
            description=description | {"data": fingerprint(sequences, self.pad)},
            resume=resume,
            may_differ={"training.steps"} if constant else (),
            progress=progress,
        )
        monitor = Monitor(self.config.training.monitor, self._reference(train, held_out))
        self.report = trainer.fit(game, train, monitor)
        self._game = game.eval().requires_grad_(False)
        if trainer.fabric.is_global_zero:
            self.save(run / "model.safetensors")
            if self.report.reason == "finished":
                from neubauer.models.sequence_pictures import draw_logos

                indices = train.shares[:, : len(self.alphabet)].argmax(1)
                known = train.shares[:, : len(self.alphabet)].max(1) == 1
                made = self.alphabet.indices(self.sample(1000))
                rows = {"real": np.where(known, indices, UNKNOWN), "generated": made}
                draw_logos(rows, self.alphabet, run / "logo.png")
        return self

    def _build(self) -> SequenceGan:
        """Networks whose weights depend only on the config's seed."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.training.seed)
            return SequenceGan(self.config, len(self.alphabet) + self.pad, self.length, len(self.classes))

    def _reference(self, train: SequenceData, held_out: SequenceData | None) -> Reference | None:
        monitor = self.config.training.monitor
        if not monitor.every:
            return None
        rng = np.random.default_rng(self.config.training.seed)
        items = train.batch(rng.permutation(len(train))[: monitor.references], rng)
        held = held_out.batch(np.arange(len(held_out)), rng) if held_out is not None else None
        return Reference(WindowEncoder(train.shares.shape[1]), items, held, key="sequence")

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

    # --- using it

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

    # --- files

    def save(self, path: str | Path) -> Path:
        """Write the model as one `.safetensors` file.

        Raises
        ------
        OutputError : it cannot be written.
        """
        config = {
            "config": self.config.model_dump(mode="json"),
            "alphabet": self.alphabet.name,
            "pad": self.pad,
            "length": self.length,
            "classes": list(self.classes),
        }
        return save_model(path, KIND, config, module_tensors("game", self.game))

    @classmethod
    def load(cls, path: str | Path) -> SequenceGenerator:
        """Read a model that `save` wrote.

        Raises
        ------
        InputError : no such file, not a generator of sequences, or damaged.
        """
        header, tensors = load_model(path, KIND)
        self = cls.__new__(cls)
        self.config = validate(SequenceGanConfig, header["config"], str(path))
        self.alphabet, self.pad = find_alphabet(header["alphabet"]), bool(header["pad"])
        self.length, self.classes = int(header["length"]), tuple(header["classes"])
        self.report = None
        game = self._build()
        restore_module("game", game, tensors, Path(path))
        self._game = game.eval().requires_grad_(False)
        return self
