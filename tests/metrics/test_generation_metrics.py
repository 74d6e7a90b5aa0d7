from __future__ import annotations

import numpy as np
import pytest
import torch

from neubauer.errors import InputError
from neubauer.metrics.features import ClassifierEncoder, RandomEncoder
from neubauer.metrics.generation import (
    copying,
    diversity,
    frechet_distance,
    generation_metrics,
    kernel_distance,
    manifold_metrics,
    with_interval,
)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_frechet_distance_of_gaussians(rng):
    a = rng.normal(size=(200_000, 2))
    b = rng.normal(size=(200_000, 2)) * [1, 3] + [2, 0]
    # |m|^2 + (1 - 3)^2 for uncorrelated components
    assert frechet_distance(a, b) == pytest.approx(4 + 4, rel=0.02)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-8)


def test_frechet_and_kernel_distance_agree_with_torchmetrics(rng):
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.kid import poly_mmd

    a, b = rng.normal(size=(300, 8)), rng.normal(size=(300, 8)) * 1.3 + 0.4

    class Flat(torch.nn.Module):
        num_features = 8

        def forward(self, x):
            return x.flatten(1).float()

    theirs = FrechetInceptionDistance(feature=Flat(), normalize=True)
    theirs.update(torch.from_numpy(a).float().view(300, 1, 1, 8), real=True)
    theirs.update(torch.from_numpy(b).float().view(300, 1, 1, 8), real=False)
    assert frechet_distance(a.astype(np.float32), b.astype(np.float32)) == pytest.approx(
        theirs.compute().item(), rel=1e-3
    )
    expected = float(poly_mmd(torch.from_numpy(a), torch.from_numpy(b)))
    assert kernel_distance(a, b) == pytest.approx(expected, rel=1e-6)


def test_kernel_distance_is_unbiased(rng):
    same = [kernel_distance(rng.normal(size=(50, 4)), rng.normal(size=(50, 4))) for _ in range(200)]
    assert abs(np.mean(same)) < 3 * np.std(same) / np.sqrt(200)
    assert kernel_distance(rng.normal(size=(50, 4)), rng.normal(size=(50, 4)) + 1) > 5 * np.std(same)


def test_manifold_metrics_tell_quality_from_diversity(rng):
    real = np.concatenate((rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + 20))
    healthy = np.concatenate((rng.normal(size=(200, 2)), rng.normal(size=(200, 2)) + 20))
    one_mode = rng.normal(size=(400, 2))
    elsewhere = rng.normal(size=(400, 2)) - 50
    good = manifold_metrics(real, healthy)
    assert min(good["precision"], good["recall"], good["coverage"], good["density"]) > 0.85
    lost = manifold_metrics(real, one_mode)
    assert lost["precision"] > 0.85
    assert 0.4 < lost["recall"] < 0.55
    assert 0.4 < lost["coverage"] < 0.55
    assert set(manifold_metrics(real, elsewhere).values()) == {0.0}


def test_diversity(rng):
    real = rng.normal(size=(300, 5))
    assert diversity(real, rng.normal(size=(300, 5)) * 0.1) == pytest.approx(0.1, rel=0.1)
    assert diversity(real, np.ones((300, 5))) == 0


def test_diversity_looks_into_every_class(rng):
    label = np.arange(300) % 3
    real = rng.normal(size=(300, 5)) + 20 * label[:, None]
    fake = real + 0.0
    fake[label == 1] = [20, 20, 20, 20, 20]  # one class is always the same
    assert diversity(real, fake) > 0.9
    assert diversity(real, fake, label, label) == 0
    assert diversity(real, real, label, label) == pytest.approx(1)
    assert diversity(real[:6], fake[:6], label[:6], label[:6]) > 0.9  # too few of each to tell


def test_copying_is_told_from_typical_items(rng):
    train, holdout = rng.normal(size=(500, 8)), rng.normal(size=(300, 8))
    assert copying(train, holdout, rng.normal(size=(300, 8))).z > -3
    copies = train[rng.integers(0, 500, 300)] + 0.05 * rng.normal(size=(300, 8))
    assert copying(train, holdout, copies).z < -10
    typical = copying(train, holdout, 0.3 * rng.normal(size=(300, 8)))
    assert typical.distance_z < -3  # nearer than real items are, but to no one in particular
    assert typical.z > -3


def test_interval_holds_the_truth_about_as_often_as_it_says(rng):
    # the population value, from a large sample
    truth = kernel_distance(rng.normal(size=(4000, 3)), rng.normal(size=(4000, 3)) + 0.5)
    hits = 0
    for i in range(60):
        e = with_interval(kernel_distance, rng.normal(size=(100, 3)), rng.normal(size=(100, 3)) + 0.5, seed=i)
        assert e.low <= e.value <= e.high
        hits += e.low <= truth <= e.high
    assert hits >= 50


def test_generation_metrics_names_bad_input(rng):
    found = generation_metrics(rng.normal(size=(60, 4)), rng.normal(size=(60, 4)))
    assert set(found) == {"frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage"}
    assert found["coverage"].n_real == 60
    with pytest.raises(InputError, match="generated items: found 5"):
        generation_metrics(rng.normal(size=(60, 4)), rng.normal(size=(5, 4)))
    with pytest.raises(InputError, match="found 3 features"):
        generation_metrics(rng.normal(size=(60, 4)), rng.normal(size=(60, 3)))


@pytest.mark.parametrize("channels", [1, 4])
def test_random_features_rank_distributions(blobs, channels):
    def images(size, seed):
        return torch.from_numpy(blobs(300, size, channels, seed).astype(np.float32) / 127.5 - 1)

    real = images(16, 0)
    encoder = RandomEncoder(real)
    features = encoder(real)
    assert np.array_equal(features, RandomEncoder(real)(real))  # the same seed, the same features
    same = frechet_distance(features, encoder(images(16, 1)))
    noisy = frechet_distance(features, encoder(images(16, 1) + 0.2 * torch.randn(300, channels, 16, 16)))
    shifted = frechet_distance(features, encoder(images(16, 1).roll(4, dims=3)))
    assert same < 0.2 * min(noisy, shifted)


def test_classifier_features_and_accuracy(blobs):
    left = torch.from_numpy(blobs(400, 16).astype(np.float32) / 127.5 - 1)
    images = torch.cat((left, left.transpose(2, 3).roll(5, dims=2)))
    labels = np.repeat([0, 1], 400)
    encoder = ClassifierEncoder(images[::2], labels[::2], steps=150, width=8)
    assert (encoder.classify(images[1::2]) == labels[1::2]).mean() > 0.95
    features = encoder(images[1::2])
    own = frechet_distance(features[:200:2], features[1:200:2])
    assert own < 0.1 * frechet_distance(features[:100], features[-100:])
