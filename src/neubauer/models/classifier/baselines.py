"""Classifiers on measured features: quick to train, and what a network has to beat."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from neubauer.gan.data.images import ImageSet
from neubauer.models.classifier.features import hog_and_colour, regions_and_texture

EMPTY_LEAF = 1e-3
"""Probability of a class that no training image in a leaf had; its logarithm has to be finite."""


class LinearSvm:
    """A linear support vector machine, one class against the rest, on gradients and colours.

    Its decision values serve as logits: one temperature makes probabilities of them, as of a network's.

    Parameters
    ----------
    tensors : `weight` (K, F), `bias` (K,), `mean` and `deviation` (F,) of the features.
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = dict(tensors)
        self._weight, self._bias, self._mean, self._deviation = (
            tensors[name].float().numpy() for name in ("weight", "bias", "mean", "deviation")
        )

    @classmethod
    def fit(cls, images: ImageSet, seed: int = 0) -> LinearSvm:
        """Train on labelled images; classes weigh alike."""
        from sklearn.svm import LinearSVC

        assert images.labels is not None
        features = hog_and_colour(images.intensity.normalise(images.images))
        mean, deviation = features.mean(0), np.maximum(features.std(0), 1e-6)
        machine = LinearSVC(C=1e-3, class_weight="balanced", random_state=seed)
        machine.fit((features - mean) / deviation, images.labels)
        weight, bias = machine.coef_, machine.intercept_
        if len(weight) == 1:  # scikit-learn keeps one of two classes
            weight, bias = np.concatenate([-weight, weight]), np.concatenate([-bias, bias])
        named = {"weight": weight, "bias": bias, "mean": mean, "deviation": deviation}
        return cls({name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in named.items()})

    def logits(self, images: np.ndarray) -> np.ndarray:
        """(N, C, Y, X) in [-1, 1] -> (N, K)."""
        features = (hog_and_colour(images) - self._mean) / self._deviation
        return features @ self._weight.T + self._bias


class Forest:
    """A random forest (Breiman, Machine Learning 45:5, 2001) on region properties and texture.

    Parameters
    ----------
    tensors : `feature`, `threshold`, `left`, `right` of all nodes of all trees (`left` is the node itself in a leaf),
        `value` (nodes, K) class shares, `root` (trees,).
    """

    def __init__(self, tensors: Mapping[str, Tensor]) -> None:
        self.tensors = dict(tensors)
        self._feature, self._left, self._right, self._root = (
            tensors[name].long().numpy() for name in ("feature", "left", "right", "root")
        )
        self._threshold, self._value = (tensors[name].float().numpy() for name in ("threshold", "value"))

    @classmethod
    def fit(cls, images: ImageSet, seed: int = 0, trees: int = 200) -> Forest:
        """Train on labelled images; classes weigh alike."""
        from sklearn.ensemble import RandomForestClassifier

        assert images.labels is not None
        features = regions_and_texture(images.intensity.normalise(images.images))
        forest = RandomForestClassifier(trees, min_samples_leaf=2, class_weight="balanced_subsample", random_state=seed)
        forest.fit(features, images.labels)
        nodes: dict[str, list[np.ndarray]] = {n: [] for n in ("feature", "threshold", "left", "right", "value")}
        root = []
        start = 0
        for estimator in forest.estimators_:
            tree = estimator.tree_
            own = np.arange(tree.node_count)
            leaf = tree.children_left < 0
            value = tree.value[:, 0]
            nodes["feature"].append(np.where(leaf, 0, tree.feature).astype(np.int16))
            nodes["threshold"].append(np.where(leaf, 0, tree.threshold).astype(np.float32))
            nodes["left"].append((start + np.where(leaf, own, tree.children_left)).astype(np.int32))
            nodes["right"].append((start + np.where(leaf, own, tree.children_right)).astype(np.int32))
            nodes["value"].append((value / value.sum(1, keepdims=True)).astype(np.float16))
            root.append(start)
            start += tree.node_count
        tensors = {name: torch.from_numpy(np.concatenate(parts)) for name, parts in nodes.items()}
        return cls({**tensors, "root": torch.tensor(root, dtype=torch.int32)})

    def logits(self, images: np.ndarray) -> np.ndarray:
        """(N, C, Y, X) in [-1, 1] -> (N, K): logarithms of the mean class shares of the leaves."""
        features = regions_and_texture(images)
        at = np.broadcast_to(self._root, (len(features), len(self._root)))
        rows = np.arange(len(features))[:, None]
        while True:
            goes_left = features[rows, self._feature[at]] <= self._threshold[at]
            after = np.where(goes_left, self._left[at], self._right[at])
            if (after == at).all():
                return np.log(self._value[at].mean(1) + EMPTY_LEAF)
            at = after
