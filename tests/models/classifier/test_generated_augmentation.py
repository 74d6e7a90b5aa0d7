from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from neubauer.errors import InputError
from neubauer.gan.data.images import ImageSet
from neubauer.metrics.features import RandomEncoder
from neubauer.models.classifier.generated import (
    Arm,
    GenerationSettings,
    Sieve,
    augment_by_generation,
    compare,
    enlarge,
    rare_classes,
    sieve_samples,
)

TINY = {
    "latent": 8,
    "conditioning": "projection",
    "generator": {"widths": [32, 16]},
    "discriminator": {"widths": [16, 32], "base": 4},
    "training": {
        "batch_size": 32,
        "precision": "float32",
        "preview_every": 0,
        "monitor": {"every": 0},
        "generator": {"learning_rate": 1e-3},
        "discriminator": {"learning_rate": 1e-3},
    },
}


def rare_rings(images: ImageSet, left: int) -> ImageSet:
    """The set with only `left` rings."""
    assert images.labels is not None
    ring = images.classes.index("ring")
    return images.subset(
        np.concatenate([np.flatnonzero(images.labels != ring), np.flatnonzero(images.labels == ring)[:left]])
    )


def test_rare_classes_are_those_below_half_the_median(cells):
    assert rare_classes(rare_rings(cells(60), 5)) == ("ring",)
    assert rare_classes(cells(60), ["disc"]) == ("disc",)
    with pytest.raises(InputError, match="no rare class: the smallest class has 20 images, the median one 20"):
        rare_classes(cells(60))
    with pytest.raises(InputError, match="rare: found 'rings'; expected one of disc, halves, ring"):
        rare_classes(cells(60), ["rings"])
    with pytest.raises(InputError, match="class ring: found fewer than 2 images"):
        rare_classes(rare_rings(cells(60), 1))


def test_generated_images_replace_repeats(cells):
    """20 of each other class: a class of 4 is brought to half of that, whatever the additions are."""
    train = rare_rings(cells(60), 4)
    ring = train.classes.index("ring")
    generated = {"ring": np.zeros((100, *train.shape), np.uint8)}
    for share, made in ((0.0, 0), (0.5, 3), (1.0, 6)):
        larger = enlarge(train, ["ring"], share, generated, fill=0.5)
        assert larger.labels is not None
        mine = larger.images[larger.labels == ring]
        assert len(mine) == 10
        assert (mine.reshape(10, -1).max(1) == 0).sum() == made
    few = enlarge(train, ["ring"], 1.0, {"ring": generated["ring"][:1]}, fill=0.5)
    assert len(few) == len(larger)
    assert len(enlarge(train, ["disc"], 0.0, {}, fill=0.5)) == len(train) + 20  # at least doubled


class TestSieve:
    """Of real rings, copies, discs and noise only new rings pass."""

    @pytest.fixture
    def found(self, cells):
        train = rare_rings(cells(300), 40)
        ring = train.classes.index("ring")
        assert train.labels is not None
        real = train.images[train.labels == ring]
        other = cells(300, seed=3)
        assert other.labels is not None
        new, discs = other.images[other.labels == ring][:50], other.images[other.labels == 0][:30]
        noise = np.random.default_rng(0).integers(0, 256, (20, *train.shape), dtype=np.uint8)

        class Knows(torch.nn.Module):
            """Takes everything for a ring but the samples that are marked by a white corner."""

            def forward(self, x):
                return torch.where(x[:, :1, 0, 0] > 0.9, -5.0, 5.0) * torch.eye(3)[ring]

        marked = discs.copy()
        marked[:, :, 0, 0] = 255
        samples = np.concatenate([new, real[:10], marked, noise])
        x = torch.from_numpy(train.intensity.normalise(train.images))
        return sieve_samples(samples, real, ring, Knows(), RandomEncoder(x), train), samples

    def test_numbers(self, found):
        (_, sieve), samples = found
        assert sieve.kept + sieve.disagreed + sieve.copies + sieve.strays == len(samples)
        assert sieve.disagreed >= 30
        assert sieve.copies == 10
        assert sieve.strays >= 18
        assert sieve.kept >= 35

    def test_what_passes_is_new(self, found):
        (kept, _), samples = found
        new = {s.tobytes() for s in samples[:50]}
        assert all(k.tobytes() in new for k in kept)


def arm(images: str, recall: list[float], balanced: float = 0.9) -> Arm:
    return Arm(images, 0.5, tuple(recall), (balanced,) * len(recall))


@pytest.mark.parametrize(
    ("recall", "balanced", "helps"),
    [
        ([0.7, 0.72, 0.74], 0.9, True),
        ([0.5, 0.52, 0.51], 0.9, False),
        ([0.9, 0.3, 0.5], 0.9, False),  # no more than chance
        ([0.7, 0.72, 0.74], 0.8, False),  # at the cost of the other classes
    ],
)
def test_verdict(recall, balanced, helps):
    report = compare(
        ["ring"], {"ring": Sieve(5)}, [], arm("generated", recall, balanced), arm("repeated", [0.5, 0.51, 0.5])
    )
    assert report.helps is helps
    assert ("do not help" in report.text()) is not helps
    assert json.loads(json.dumps(report.as_dict()))["sieve"]["ring"]["kept"] == 5


def test_end_to_end_reports_with_and_without(cells, net):
    """A generator of rare rings; the report has every arm, and the training set grows only if that helps."""
    train = rare_rings(cells(200), 20)
    asked: list[int] = []

    def fit(images: ImageSet, seed: int):
        asked.append(len(images))
        return net(seed).eval()

    settings = GenerationSettings(
        changes=TINY, steps=150, shares=(0.5,), fill=0.1, seeds=2, agreement=0.0, far=1.0, near=0.0
    )
    chosen, report = augment_by_generation(train, cells(60, seed=1), cells(60, seed=2), fit, settings)
    assert [(a.images, a.share) for a in report.validation] == [("none", 0.0), ("repeated", 0.0), ("generated", 0.5)]
    assert report.sieve["ring"].kept > 0
    assert len(chosen) == len(train) or report.helps
    assert asked.count(len(train) + 20) >= 2  # doubled
    assert all(len(a.recall) == 2 for a in report.validation)
