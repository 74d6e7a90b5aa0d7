"""Generated images of rare classes: made, filtered, and kept only if they help on validation images."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors

from neubauer.errors import InputError
from neubauer.gan.build import schema_of
from neubauer.gan.config.base import validate, with_training
from neubauer.gan.data.images import ImageSet, images_from_array
from neubauer.metrics.features import Encoder, RandomEncoder
from neubauer.models.generator.fit import fit_generator
from neubauer.models.generator.sample import TrainedGenerator
from neubauer.nets.classifier import CellNet
from neubauer.recipes import load_recipe

log = logging.getLogger("neubauer")

Fit = Callable[[ImageSet, int], CellNet]
"""(labelled images, seed) -> trained network in evaluation mode."""


@dataclass(frozen=True)
class GenerationSettings:
    """How images of rare classes are made and chosen.

    Attributes
    ----------
    recipe : of the generator, with classes; `changes` are laid over it.
    steps : of the generator; None: the recipe's.
    rare : names of the classes to make images of; default: those with fewer than half as many images as the median
        class.
    fill : a rare class is brought to this share of the median class's size, or at least doubled, by repeats of its own
        images and by generated ones.
    shares : of these additions that are generated, from which the best is chosen.
    seeds : trainings of the classifier per share.
    agreement : probability that a classifier, trained with repeats of the rare images, has to give the class that was
        asked for.
    near : a sample nearer to a real image than this times the distance of any two real images is a copy.
    far : a sample farther from the nearest real image of its class than this share of these are is a stray.
    tries : samples drawn per sample wanted, at most.
    seed : of generator and samples.
    """

    recipe: str = "dcgan-r1"
    changes: Mapping[str, Any] = field(
        default_factory=lambda: {"conditioning": "projection", "augment": {"probability": 1.0}}
    )
    steps: int | None = None
    rare: Sequence[str] = ()
    fill: float = 0.5
    shares: Sequence[float] = (0.25, 0.75)
    seeds: int = 3
    agreement: float = 0.5
    near: float = 0.5
    far: float = 0.95
    tries: int = 10
    seed: int = 0


@dataclass(frozen=True)
class Sieve:
    """What became of the samples of a class."""

    kept: int = 0
    disagreed: int = 0
    copies: int = 0
    strays: int = 0


@dataclass(frozen=True)
class Arm:
    """One way of training, over all seeds.

    Attributes
    ----------
    images : what the rare classes were enlarged with: `none`, `repeated` real images, or `generated` ones among
        these.
    share : of the additions that are generated.
    recall : mean recall of the rare classes, per seed.
    balanced_accuracy : per seed.
    """

    images: str
    share: float
    recall: tuple[float, ...]
    balanced_accuracy: tuple[float, ...]


@dataclass(frozen=True)
class AugmentationReport:
    """With and without generated images.

    Attributes
    ----------
    rare : the classes.
    sieve : by class.
    validation : arms by which the share was chosen.
    with_generated, without : the best arm of either kind on the images that chose nothing.
    gain, gain_error : difference in recall of the rare classes, and its standard error over seeds.
    helps : the gain is positive and more than twice its standard error, and balanced accuracy does not fall.
    """

    rare: tuple[str, ...]
    sieve: dict[str, Sieve]
    validation: tuple[Arm, ...]
    with_generated: Arm
    without: Arm
    gain: float
    gain_error: float
    helps: bool

    def text(self) -> str:
        """One sentence for people."""
        verdict = "help" if self.helps else "do not help"
        made, without = self.with_generated, self.without
        passed = ", ".join(f"{name} ({sieve.kept} passed the sieve)" for name, sieve in self.sieve.items())
        return (
            f"generated images of {passed} {verdict}: recall {np.mean(made.recall):.3f} with (share "
            f"{made.share:g}), {np.mean(without.recall):.3f} without ({without.images} added), difference "
            f"{self.gain:+.3f} ± {self.gain_error:.3f} over {len(without.recall)} seeds"
        )

    def as_dict(self) -> dict[str, Any]:
        """JSON-serialisable."""
        return asdict(self)


def augment_by_generation(
    train: ImageSet,
    validation: ImageSet,
    test: ImageSet,
    fit: Fit,
    settings: GenerationSettings = GenerationSettings(),
    *,
    generator: TrainedGenerator | None = None,
    out: str | Path | None = None,
    progress: bool = False,
) -> tuple[ImageSet, AugmentationReport]:
    """Training images with as many generated ones of the rare classes as help, and the proof.

    The classifier is trained several times: with nothing added to the rare classes, with repeats of their own images,
    and with generated images among these repeats. The best arm with and the best arm without generated images are
    chosen on `validation` and compared on `test`.

    Parameters
    ----------
    train : labelled images.
    validation, test : labelled images that are not trained on.
    fit : trains the classifier.
    settings : see there.
    generator : one that was trained on `train` before; default: it is trained now.
    out : run folder of the generator to keep.
    progress : show a progress bar while the generator is trained.

    Returns
    -------
    `train`, enlarged if that helps, and the report.

    Raises
    ------
    InputError : no rare class, an unknown one, or one with fewer than two images.
    """
    rare = rare_classes(train, settings.rare)
    generator = generator or train_generator(train, settings, out, progress)
    # without repeats, a classifier that has seen few images of a class hardly ever says its name
    reference = fit(enlarge(train, rare, 0, {}, settings.fill), 0)
    kept, sieve = generate(generator, reference, train, rare, settings)
    arms = [("none", 0.0), ("repeated", 0.0), *(("generated", s) for s in settings.shares)]
    on_validation, on_test = [], []
    for images, share in arms:
        added = train if images == "none" else enlarge(train, rare, share, kept, settings.fill)
        known = images == "repeated"
        networks = [reference if known and s == 0 else fit(added, s) for s in range(settings.seeds)]
        on_validation.append(score(networks, validation, rare, images, share))
        on_test.append(score(networks, test, rare, images, share))
        log.info("%s %g: recall %.3f", images, share, np.mean(on_validation[-1].recall))
    best = {
        made: max(
            (i for i, arm in enumerate(on_validation) if (arm.images == "generated") == made),
            key=lambda i: float(np.mean(on_validation[i].recall) + np.mean(on_validation[i].balanced_accuracy)),
        )
        for made in (True, False)
    }
    report = compare(rare, sieve, on_validation, on_test[best[True]], on_test[best[False]])
    log.info(report.text())
    if not report.helps:
        return train, report
    return enlarge(train, rare, report.with_generated.share, kept, settings.fill), report


def compare(
    rare: Sequence[str], sieve: Mapping[str, Sieve], validation: Sequence[Arm], with_generated: Arm, without: Arm
) -> AugmentationReport:
    """The report on two arms, paired by seed."""
    difference = np.subtract(with_generated.recall, without.recall)
    balanced = np.subtract(with_generated.balanced_accuracy, without.balanced_accuracy).mean()
    gain = float(difference.mean())
    error = float(difference.std(ddof=1) / np.sqrt(len(difference))) if len(difference) > 1 else float("inf")
    helps = bool(gain > 0 and gain > 2 * error and balanced >= 0)
    return AugmentationReport(tuple(rare), dict(sieve), tuple(validation), with_generated, without, gain, error, helps)


def rare_classes(train: ImageSet, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The classes to make images of (see `GenerationSettings.rare`)."""
    assert train.labels is not None
    counts = np.bincount(train.labels, minlength=len(train.classes))
    for name in wanted:
        if name not in train.classes:
            raise InputError("rare", repr(name), f"one of {', '.join(train.classes)}")
    found = tuple(wanted) or tuple(c for c, n in zip(train.classes, counts, strict=True) if n < np.median(counts) / 2)
    if not found:
        least = f"the smallest class has {counts.min()} images, the median one {np.median(counts):.0f}"
        raise InputError("augmentation by generation", f"no rare class: {least}", "the names of classes to enlarge")
    for name in found:
        if counts[train.classes.index(name)] < 2:
            raise InputError(f"class {name}", "fewer than 2 images", "at least 2")
    return found


def train_generator(
    train: ImageSet, settings: GenerationSettings, out: str | Path | None = None, progress: bool = False
) -> TrainedGenerator:
    """A generator of all classes: rare ones borrow what they share with the others."""
    assert train.labels is not None
    where = f"recipe {settings.recipe}"
    tables = load_recipe(settings.recipe, settings.changes)
    config = with_training(validate(schema_of(tables, where, "images"), tables, where), settings.steps, settings.seed)
    data = images_from_array(train.images, [train.classes[i] for i in train.labels])
    return fit_generator(config, data, out, progress=progress)


def generate(
    generator: TrainedGenerator,
    classifier: CellNet,
    train: ImageSet,
    rare: Sequence[str],
    settings: GenerationSettings = GenerationSettings(),
) -> tuple[dict[str, np.ndarray], dict[str, Sieve]]:
    """Samples of each rare class that pass the sieve, as many as the largest share asks for if the tries suffice.

    Returns
    -------
    (n, C, Y, X) in the data type of the training images by class, and what became of the samples.
    """
    assert train.labels is not None
    encoder = RandomEncoder(torch.from_numpy(train.intensity.normalise(train.images[:5000])))
    kept, counts = {}, {}
    for k, name in enumerate(rare):
        label = train.classes.index(name)
        real = train.images[train.labels == label]
        wanted = round(max(settings.shares) * added_images(train, label, settings.fill))
        samples = generator.sample(settings.tries * wanted, name, seed=settings.seed + 1000 * (k + 1))
        kept[name], counts[name] = sieve_samples(samples, real, label, classifier, encoder, train, settings)
        kept[name] = kept[name][:wanted]
        if len(kept[name]) < wanted:
            log.warning("only %d of %d wanted images of %s passed: %s", len(kept[name]), wanted, name, counts[name])
    return kept, counts


@torch.no_grad()
def sieve_samples(
    samples: np.ndarray,
    real: np.ndarray,
    label: int,
    classifier: CellNet,
    encoder: Encoder,
    train: ImageSet,
    settings: GenerationSettings = GenerationSettings(),
) -> tuple[np.ndarray, Sieve]:
    """The samples of one class that the classifier takes for it, and that are neither copies nor strays.

    Distances are Euclidean, in features that know nothing of the classes: between real images they are what they are
    between a real and a new image of the same kind.
    """
    pixels, of_real = (torch.from_numpy(train.intensity.normalise(x)) for x in (samples, real))
    probability = torch.cat([classifier(part).float().softmax(1)[:, label] for part in pixels.split(256)]).numpy()
    features = encoder(of_real)
    index = NearestNeighbors(n_neighbors=2).fit(features)
    among_real = index.kneighbors(features)[0][:, 1]
    to_real = index.kneighbors(encoder(pixels), n_neighbors=1)[0][:, 0]
    agreed = probability >= settings.agreement
    copies = agreed & (to_real < settings.near * among_real.min())
    strays = agreed & (to_real > np.quantile(among_real, settings.far))
    passed = agreed & ~copies & ~strays
    return samples[passed], Sieve(int(passed.sum()), int((~agreed).sum()), int(copies.sum()), int(strays.sum()))


def added_images(train: ImageSet, label: int, fill: float) -> int:
    """How many images are added to a class (see `GenerationSettings.fill`)."""
    assert train.labels is not None
    counts = np.bincount(train.labels, minlength=len(train.classes))
    return max(round(fill * float(np.median(counts))), 2 * int(counts[label])) - int(counts[label])


def enlarge(
    train: ImageSet, rare: Sequence[str], share: float, generated: Mapping[str, np.ndarray], fill: float
) -> ImageSet:
    """`train` with more images of the rare classes: a share of generated ones, as far as there are, and repeats."""
    assert train.labels is not None
    images, labels = [train.images], [train.labels]
    for name in rare:
        label = train.classes.index(name)
        own = train.images[train.labels == label]
        n = added_images(train, label, fill)
        made = generated[name][: round(share * n)] if share else own[:0]
        images += [made, np.resize(own, (n - len(made), *own.shape[1:]))]
        labels.append(np.full(n, label, np.int64))
    return ImageSet(np.concatenate(images), train.intensity, np.concatenate(labels), train.classes)


@torch.no_grad()
def score(networks: Sequence[CellNet], images: ImageSet, rare: Sequence[str], kind: str, share: float) -> Arm:
    """Recall of the rare classes and balanced accuracy of each network."""
    assert images.labels is not None
    x = torch.from_numpy(images.intensity.normalise(images.images))
    found = [np.concatenate([net(part).argmax(1).numpy() for part in x.split(256)]) for net in networks]
    recalls = np.array([[np.mean(f[images.labels == c] == c) for c in np.unique(images.labels)] for f in found])
    mine = [list(np.unique(images.labels)).index(images.classes.index(name)) for name in rare]
    return Arm(kind, share, tuple(recalls[:, mine].mean(1).tolist()), tuple(recalls.mean(1).tolist()))
