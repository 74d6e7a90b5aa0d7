"""Batches of labelled and unlabelled images side by side."""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
import torch
from torch import Tensor

from neubauer.gan.data.images import ImageSet
from neubauer.gan.game import Batch

Augmentation = Callable[[Tensor, torch.Generator], Tensor]
"""(N, C, Y, X) in [-1, 1] -> the same shape, changed at random."""


class LabelledData:
    """Labelled and unlabelled images; an epoch is one pass over all images without their labels.

    Labelled images are drawn class by class, equally many of each, so that rare classes are not drowned.

    Parameters
    ----------
    labelled : images with class indices, at least one of each class.
    unlabelled : images of the same shape, normalised like the labelled ones; these are unlabelled images too.
    labelled_batch : labelled images per batch.
    usual : augmentation of the labelled images.
    weak, strong : one that hardly changes a cell, and one that changes it as far as its class allows.
    views : which of the latter two are wanted of the unlabelled images.
    """

    def __init__(
        self,
        labelled: ImageSet,
        unlabelled: ImageSet,
        labelled_batch: int,
        usual: Augmentation,
        weak: Augmentation,
        strong: Augmentation,
        views: Collection[str] = ("weak", "strong"),
    ) -> None:
        assert labelled.labels is not None
        self.labelled, self.unlabelled = labelled, unlabelled
        self.labelled_batch, self.usual = labelled_batch, usual
        self.views = {name: how for name, how in (("weak", weak), ("strong", strong)) if name in views}
        self.of_class = [np.flatnonzero(labelled.labels == c) for c in range(len(labelled.classes))]

    def __len__(self) -> int:
        return len(self.labelled) + len(self.unlabelled)

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """`labelled` (L, C, Y, X), augmented as usual, with `class` (L,); `weak` and `strong` (n, C, Y, X), as
        far as they are wanted: the images with these indices, augmented in two ways."""
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        chosen = self._draw(rng)
        items = self.labelled.batch(chosen, rng)
        found = {"labelled": self.usual(items["image"], generator), "class": items["class"]}
        if self.views:
            images = torch.from_numpy(self._pixels(indices))
            found |= {name: change(images, generator) for name, change in self.views.items()}
        return found

    def _draw(self, rng: np.random.Generator) -> np.ndarray:
        """Indices of labelled images: the classes in turn from a random one on, images without repetition as far as
        they last."""
        k = len(self.of_class)
        classes = (rng.integers(k) + np.arange(self.labelled_batch)) % k
        chosen = np.empty(self.labelled_batch, np.int64)
        for c, members in enumerate(self.of_class):
            places = np.flatnonzero(classes == c)
            rounds = -(-len(places) // len(members))
            order = np.concatenate([rng.permutation(members) for _ in range(rounds)] or [members[:0]])
            chosen[places] = order[: len(places)]
        return chosen

    def _pixels(self, indices: np.ndarray) -> np.ndarray:
        """(n, C, Y, X) in [-1, 1], in the order of the indices."""
        n = len(self.labelled)
        found = np.empty((len(indices), *self.labelled.shape), np.float32)
        for source, mine, first in ((self.labelled, indices < n, 0), (self.unlabelled, indices >= n, n)):
            found[mine] = source.intensity.normalise(source.images[indices[mine] - first])
        return found
