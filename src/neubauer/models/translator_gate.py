"""What a translation does to the cells: kept, lost, invented."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neubauer.errors import InputError
from neubauer.gan.translation_config import TranslatorConfig
from neubauer.images.find import find_images
from neubauer.metrics.detection import match_points
from neubauer.models.counter import CellCounter
from neubauer.models.counter_inputs import ImageLike, as_source
from neubauer.models.style_translator import StyleTranslator
from neubauer.models.translate_image import read_once

NEAR = 0.5
"""A cell is kept if there is one in the translation no farther away than this, in cell diameters."""
LIMIT = 0.02
"""Largest share of lost or invented cells of an image that is not flagged."""
FEW = 2
"""So many lost or invented cells are never flagged: among few cells, one is a large share."""


@dataclass(frozen=True)
class Drift:
    """Cells of one image before and after.

    Attributes
    ----------
    image : its name.
    before, after : cells counted.
    kept, lost, invented : of both, only before, only after.
    limit : share from which the image is flagged.
    """

    image: str
    before: int
    after: int
    kept: int
    limit: float = LIMIT

    @property
    def lost(self) -> int:
        return self.before - self.kept

    @property
    def invented(self) -> int:
        return self.after - self.kept

    @property
    def share(self) -> float:
        """Lost and invented cells, over the cells before (at least 1)."""
        return (self.lost + self.invented) / max(self.before, 1)

    @property
    def flag(self) -> str:
        """Why to look at this translation by eye; empty if there is no reason."""
        if self.lost + self.invented <= FEW or self.share <= self.limit:
            return ""
        return f"{self.lost} of {self.before} cells lost, {self.invented} invented"

    def row(self) -> dict[str, object]:
        """As a row of a table."""
        return {
            "image": self.image,
            "before": self.before,
            "after": self.after,
            "kept": self.kept,
            "lost": self.lost,
            "invented": self.invented,
            "flag": self.flag,
        }


@dataclass(frozen=True)
class Gate:
    """Checks translations with a counter.

    Attributes
    ----------
    counter : of the images before; and after, unless there is
    counter_after : one for those.
    limit : share of lost and invented cells from which an image is flagged.
    """

    counter: CellCounter
    counter_after: CellCounter | None = None
    limit: float = LIMIT

    def check(self, before: ImageLike, after: ImageLike) -> Drift:
        """Compare an image with its translation.

        Raises
        ------
        InputError : they differ in size, or a counter cannot read them.
        """
        sources = [as_source(before), as_source(after)]
        if sources[0].shape[1:] != sources[1].shape[1:]:
            raise InputError(sources[1].path, f"{sources[1].shape[1:]} pixels", f"{sources[0].shape[1:]}, as before")
        first = self.counter.predict(sources[0])
        diameter = float(first.info["diameter"])  # type: ignore[arg-type]
        second = (self.counter_after or self.counter).predict(sources[1], diameter=diameter)
        places = [c.table[["centroid-0", "centroid-1"]].to_numpy(float) for c in (first, second)]
        kept = match_points(places[0], places[1], NEAR * diameter)
        return Drift(sources[0].name, len(first), len(second), len(kept), self.limit)

    def check_all(self, translator: StyleTranslator, images: Iterable[ImageLike], way: str = "a2b") -> list[Drift]:
        """Translate images and compare each with its translation."""
        sources = [as_source(image) for image in images]
        return [self.check(source, read_once(translator.source(source, way))) for source in sources]


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


def total_drift(drifts: Iterable[Drift]) -> float:
    """Lost and invented cells of all images, over the cells before."""
    found = list(drifts)
    return sum(d.lost + d.invented for d in found) / max(sum(d.before for d in found), 1)
