"""Measuring models on many images: image by image, with progress; an image that cannot be used costs only itself."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.cells.annotation import Kind
from neubauer.errors import InputError
from neubauer.images.find import unique_stems
from neubauer.metrics.classification import ClassificationScores, classification_scores
from neubauer.models.classifier.crops import read_crops, squares_for
from neubauer.models.classifier.evaluate import check_known
from neubauer.models.classifier.network import BATCH
from neubauer.models.classifier.predict import TrainedClassifier
from neubauer.models.classifier.prepare import labelled_images
from neubauer.models.counter.evaluate import Scores, Seen, look, scores_of
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.inpainter.evaluate import Seen as InpaintingSeen
from neubauer.models.inpainter.evaluate import look as look_inpainting
from neubauer.models.inpainter.evaluate import scores_of as inpainting_scores
from neubauer.models.inpainter.predict import TrainedInpainter
from neubauer.models.shared.inputs import WHOLE, Match, Reading, match_files
from neubauer.models.translator.evaluate import distances
from neubauer.models.translator.evaluate import scores_of as translator_scores
from neubauer.models.translator.gate import Drift, Gate
from neubauer.models.translator.predict import TrainedTranslator
from neubauer.runs.each import Outcome, Task, each, reason
from neubauer.runs.events import OnEvent, unheard
from neubauer.runs.executors import Executor
from neubauer.runs.job import Item
from neubauer.runs.jobs.translate import load_gate


@dataclass
class _Measure:
    """An item to what is kept of it; whatever is wrong with one, the others are measured."""

    def keep(self, item: Item) -> Any:
        raise NotImplementedError

    def __call__(self, task: Task) -> list[Outcome]:
        return [self._one(item) for item in task]

    def _one(self, item: Item) -> Outcome:
        try:
            return Outcome(item, {"seen": self.keep(item)})
        except Exception as error:
            return Outcome(item, reason=reason(item, error))

    def __getstate__(self) -> dict[str, Any]:
        """Without the model, which each process loads for itself."""
        return {k: v for k, v in self.__dict__.items() if k != "loaded"}


def _seen(outcomes: Sequence[Outcome]) -> tuple[list[Any], dict[str, str]]:
    """What was kept, and why files failed."""
    failed = {o.item.path.name: o.reason for o in outcomes if o.reason is not None}
    return [o.row["seen"] for o in outcomes if o.row is not None], failed


def _some(seen: Sequence[Any], failed: Mapping[str, str]) -> None:
    if not seen:
        raise InputError("images", f"none that could be used ({'; '.join(failed.values())})", "at least one")


@dataclass
class _OfCounter(_Measure):
    model: str | Path
    matches: dict[Path, Match]
    diameter: float | None
    reading: Reading

    @cached_property
    def loaded(self) -> TrainedCounter:
        counter = TrainedCounter.load(self.model)
        if self.diameter is not None:
            counter.check_diameter(self.diameter)
        return counter

    def keep(self, item: Item) -> Seen:
        pair = self.matches[item.path].load(self.loaded.config.classes, self.reading)
        return look(self.loaded, pair, self.diameter)


def evaluate_counter_files(
    model: str | Path,
    items: Sequence[Item],
    annotations: dict[Kind, str | Path],
    *,
    diameter: float | None = None,
    reading: Reading = WHOLE,
    executor: Executor | None = None,
    on_event: OnEvent = unheard,
    cancel: threading.Event | None = None,
) -> tuple[Scores, dict[str, str]]:
    """Measure a counter on annotated image files; see `evaluate_counter` for the scores.

    Parameters
    ----------
    model : a counter file, or the name of a bundled one.
    items : the images.
    annotations : where the annotations of each kind lie.
    diameter, reading : see `TrainedCounter.predict`.
    executor, on_event, cancel : see `neubauer.runs.each.each`.

    Returns
    -------
    scores, failed : `failed` maps the names of images that could not be used to the reasons.

    Raises
    ------
    InputError : no image has an annotation, or none could be measured.
    """
    matches = {match.image: match for match in match_files([item.path for item in items], annotations)}
    work = _OfCounter(model, matches, diameter, reading)
    classes = work.loaded.config.classes
    wanted = [item for item in items if item.path in matches]
    seen, failed = _seen(each(work, wanted, executor=executor, on_event=on_event, cancel=cancel))
    return scores_of(seen, classes, failed), failed


@dataclass
class _OfClassifier:
    model: str | Path
    diameter: float | None

    @cached_property
    def loaded(self) -> TrainedClassifier:
        return TrainedClassifier.load(self.model)

    def __call__(self, task: Task) -> list[Outcome]:
        config = self.loaded.config
        crops = read_crops([item.path for item in task], (config.channels, config.dtype))
        outcomes = [Outcome(task[i], reason=reason(task[i], error)) for i, error in crops.failed.items()]
        if crops.kept:
            found = self.loaded.probabilities(squares_for(config, crops, self.diameter))
            outcomes += [Outcome(task[i], {"seen": p}) for i, p in zip(crops.kept, found, strict=True)]
        return outcomes

    def __getstate__(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if k != "loaded"}


def evaluate_classifier_files(
    model: str | Path,
    folder: Path,
    labels: Path | None = None,
    *,
    diameter: float | None = None,
    executor: Executor | None = None,
    on_event: OnEvent = unheard,
    cancel: threading.Event | None = None,
) -> tuple[ClassificationScores, dict[str, str]]:
    """Measure a classifier on images of a folder whose classes are known; see `evaluate_classifier`.

    Raises
    ------
    InputError : a class that the classifier does not know, or no image can be used.
    """
    work = _OfClassifier(model, diameter)
    config = work.loaded.config
    where, given, names = labelled_images(folder, labels)
    check_known(where, names, config.classes)
    files = [Path(str(image)) for image in given]
    items = [Item(name, file) for file, name in unique_stems(files).items()]
    outcomes = each(work, items, batch=BATCH, executor=executor, on_event=on_event, cancel=cancel)
    found, failed = _seen(outcomes)
    _some(found, failed)
    class_of = dict(zip(files, names, strict=True))
    true = np.array([config.classes.index(class_of[o.item.path]) for o in outcomes if o.row is not None])
    return classification_scores(true, np.stack(found), config.classes, config.threshold), failed


@dataclass
class _OfTranslator(_Measure):
    model: Path
    gate: str
    gate_after: str | None
    way: str

    @cached_property
    def loaded(self) -> tuple[TrainedTranslator, Gate]:
        gate = load_gate(self.gate, self.gate_after)
        assert gate is not None
        return TrainedTranslator.load(self.model), gate

    def keep(self, item: Item) -> Drift:
        translator, gate = self.loaded
        return gate.check_all(translator, [item.path], self.way)[0]


def evaluate_translator_files(
    model: Path,
    items: Sequence[Item],
    gate: str,
    gate_after: str | None = None,
    *,
    way: str = "a2b",
    target: str | Path | None = None,
    executor: Executor | None = None,
    on_event: OnEvent = unheard,
    cancel: threading.Event | None = None,
) -> tuple[dict[str, float], list[Drift], dict[str, str]]:
    """Measure a translator on image files; see `evaluate_translator`. The last of the result is what failed, and why.

    Raises
    ------
    InputError : no image can be used.
    """
    work = _OfTranslator(model, gate, gate_after, way)
    translator, _ = work.loaded
    outcomes = each(work, items, executor=executor, on_event=on_event, cancel=cancel)
    drifts, failed = _seen(outcomes)
    _some(drifts, failed)
    scores = translator_scores(drifts)
    if target is not None:
        scores |= distances(translator, [o.item.path for o in outcomes if o.row is not None], target, way)
    return scores, drifts, failed


@dataclass
class _OfInpainter(_Measure):
    model: Path
    share: float
    seed: int
    place: dict[str, int]

    @cached_property
    def loaded(self) -> TrainedInpainter:
        return TrainedInpainter.load(self.model)

    def keep(self, item: Item) -> InpaintingSeen:
        return look_inpainting(item.path, self.loaded, [self.seed, self.place[item.name]], len(self.place), self.share)


def evaluate_inpainter_files(
    model: Path,
    items: Sequence[Item],
    *,
    share: float = 0.2,
    seed: int = 0,
    executor: Executor | None = None,
    on_event: OnEvent = unheard,
    cancel: threading.Event | None = None,
) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Measure an inpainter on image files; see `evaluate_inpainting`. The last of the result is what failed, and why.

    Raises
    ------
    InputError : no image can be used.
    """
    work = _OfInpainter(model, share, seed, {item.name: i for i, item in enumerate(items)})
    _ = work.loaded  # what is wrong with it is said first
    seen, failed = _seen(each(work, items, executor=executor, on_event=on_event, cancel=cancel))
    _some(seen, failed)
    return inpainting_scores(seen), failed
