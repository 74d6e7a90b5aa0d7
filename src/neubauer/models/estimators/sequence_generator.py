"""`SequenceGenerator`: learns what sequences look like, and makes new ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.errors import InputError
from neubauer.gan.config.base import nearest, validate, with_training
from neubauer.gan.config.sequence import SequenceGanConfig
from neubauer.gan.data.sequences import SequenceData, fingerprint, sequence_data
from neubauer.gan.training.monitor import Monitor, Reference
from neubauer.gan.training.run_folder import kept_or_temporary
from neubauer.gan.training.trainer import Trainer
from neubauer.metrics.sequence_features import WindowEncoder
from neubauer.models.kinds import KINDS
from neubauer.models.sequences.pictures import draw_logos
from neubauer.models.sequences.sample import KIND, TrainedSequenceGenerator
from neubauer.recipes import load_recipe, recipe_names
from neubauer.sequences.alphabet import UNKNOWN, find_alphabet
from neubauer.sequences.read import SequenceSet, read_sequences, sequences_from

DEFAULT_RECIPE = "dna-draft"


@KINDS.register(KIND)
class SequenceGenerator(TrainedSequenceGenerator):
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
        config = validate(SequenceGanConfig, tables, f"recipe {recipe}")
        super().__init__(config, find_alphabet(alphabet), pad)

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
        game = self.build()
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
                indices = train.shares[:, : len(self.alphabet)].argmax(1)
                known = train.shares[:, : len(self.alphabet)].max(1) == 1
                made = self.alphabet.indices(self.sample(1000))
                rows = {"real": np.where(known, indices, UNKNOWN), "generated": made}
                draw_logos(rows, self.alphabet, run / "logo.png")
        return self

    def _reference(self, train: SequenceData, held_out: SequenceData | None) -> Reference | None:
        monitor = self.config.training.monitor
        if not monitor.every:
            return None
        rng = np.random.default_rng(self.config.training.seed)
        items = train.batch(rng.permutation(len(train))[: monitor.references], rng)
        held = held_out.batch(np.arange(len(held_out)), rng) if held_out is not None else None
        return Reference(WindowEncoder(train.shares.shape[1]), items, held, key="sequence")
