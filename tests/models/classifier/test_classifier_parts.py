"""Networks, augmentation, calibration, scores, features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn_cells import draw_cells
from scipy.special import softmax

from neubauer.gan.data.images import images_from_array
from neubauer.metrics.classification import classification_scores
from neubauer.models.classifier.augment import CellAugmentation, augment
from neubauer.models.classifier.baselines import Forest, LinearSvm
from neubauer.models.classifier.calibrate import fit_temperature
from neubauer.models.classifier.evaluate import restricted
from neubauer.models.classifier.features import hog_and_colour
from neubauer.models.classifier.fit import class_weight
from neubauer.models.classifier.network import NetworkScorer
from neubauer.nets.classifier import CellNet, PlainNet


@pytest.mark.parametrize(("channels", "side", "stride"), [(1, 28, 1), (3, 64, 2), (5, 40, 2)])
def test_the_network_takes_any_channels_and_sizes(channels: int, side: int, stride: int) -> None:
    network = CellNet(channels, 4, stem_stride=stride).eval()  # type: ignore[arg-type]
    x = torch.randn(2, channels, side, side)
    assert network(x).shape == (2, 4)
    assert network.features(x).min() >= 0
    assert sum(p.numel() for p in network.parameters()) <= 3_000_000
    assert PlainNet(channels, 4)(x).shape == (2, 4)


def test_group_norm_treats_each_image_by_itself() -> None:
    torch.manual_seed(0)
    network = CellNet(3, 4, norm="group", dropout=0).train()
    x = torch.randn(4, 3, 32, 32)
    torch.testing.assert_close(network(x)[:1], network(x[:1]), atol=1e-4, rtol=1e-4)
    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())


def test_folding_the_normalisation_changes_nothing() -> None:
    torch.manual_seed(0)
    network = CellNet(2, 3).train()
    for _ in range(5):
        network(torch.randn(16, 2, 32, 32))
    x = torch.randn(8, 2, 32, 32)
    expected = network.eval()(x).detach().numpy()
    np.testing.assert_allclose(NetworkScorer(network).logits(x.numpy()), expected, atol=0.05, rtol=0.05)  # bfloat16


def test_augmentation_is_repeatable_and_without_changes_only_turns() -> None:
    x = torch.from_numpy(draw_cells(8, seed=0)[0].astype(np.float32) / 127.5 - 1)
    how = CellAugmentation()
    first, second, other = (augment(x, how, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    torch.testing.assert_close(first, second)
    assert not torch.allclose(first, other)
    assert first.shape == x.shape
    assert first.isfinite().all()
    still = CellAugmentation(free=0, shift=0, gain=0, offset=0, channel=0, gamma=1, erase=0)
    turned = augment(x, still, torch.Generator().manual_seed(1))
    for before, after in zip(x, turned, strict=True):
        views = [torch.rot90(v, k, (1, 2)) for v in (before, before.flip(2)) for k in range(4)]
        assert min(float((after - v).abs().max()) for v in views) < 1e-3


def test_rare_classes_weigh_more_and_the_mean_is_one() -> None:
    labels = np.repeat([0, 1], [90, 10])
    weight = class_weight(labels, 2).numpy()
    assert weight[1] == pytest.approx(3 * weight[0])
    assert weight[labels].mean() == pytest.approx(1)


def test_the_temperature_restores_the_probabilities() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 3))
    labels = np.array([rng.choice(3, p=p) for p in softmax(logits, 1)])
    assert fit_temperature(3 * logits, labels) == pytest.approx(3, rel=0.1)
    few = np.eye(3)[labels[:8]] * 5  # all right: the likelihood itself has no maximum
    p = softmax(few / fit_temperature(few, labels[:8]), 1)
    np.testing.assert_allclose(p.max(1), 0.9, atol=1e-3)


def test_scores_by_hand() -> None:
    p = np.array([[0.8, 0.1, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.1, 0.8, 0.1]])
    s = classification_scores(np.array([0, 0, 1, 1]), p, ("a", "b", "c"), threshold=0.6)
    assert (s.accuracy, s.balanced_accuracy, s.auc) == (0.75, 0.75, 1.0)
    assert (s.known, s.accuracy_known) == (0.75, 1.0)
    assert s.per_class["b"] == pytest.approx({"n": 2, "precision": 2 / 3, "recall": 1, "f1": 0.8})
    assert s.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [0, 0, 0]]
    # 0.8 three times, always right; 0.5 once, wrong
    assert s.calibration_error == pytest.approx((3 * 0.2 + 0.5) / 4)
    assert s.as_dict()["per_class"]["c"]["recall"] is None
    with pytest.raises(ValueError, match="shape"):
        classification_scores(np.array([], int), p[:0], ("a", "b", "c"))


def test_restricted_probabilities() -> None:
    p = restricted(np.array([[0.5, 0.3, 0.2]]), ("a", "b", "c"), ("b", "c"))
    np.testing.assert_allclose(p, [[0, 0.6, 0.4]])


def test_the_forest_is_scikit_learns_own() -> None:
    from sklearn.ensemble import RandomForestClassifier

    from neubauer.models.classifier.features import regions_and_texture

    train = images_from_array(*draw_cells(45, seed=0))
    test = draw_cells(15, seed=1)[0].astype(np.float32) / 127.5 - 1
    forest = Forest.fit(train, seed=0, trees=20)
    theirs = RandomForestClassifier(20, min_samples_leaf=2, class_weight="balanced_subsample", random_state=0)
    theirs.fit(regions_and_texture(train.intensity.normalise(train.images)), train.labels)
    ours = softmax(forest.logits(test), 1)
    np.testing.assert_allclose(ours, theirs.predict_proba(regions_and_texture(test)), atol=5e-3)


def test_gradients_and_colours_tell_two_classes_apart() -> None:
    train = images_from_array(*draw_cells(30, seed=0, kinds=("round", "small")))
    images, names = draw_cells(20, seed=1, kinds=("round", "small"))
    found = LinearSvm.fit(train).logits(images.astype(np.float32) / 127.5 - 1)
    assert found.shape == (20, 2)
    assert [("round", "small")[i] for i in found.argmax(1)] == names
    assert np.isfinite(hog_and_colour(np.zeros((1, 4, 24, 24), np.float32))).all()
