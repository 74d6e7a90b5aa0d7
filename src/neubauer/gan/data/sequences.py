"""Sequences to train on."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from neubauer.gan.game import Batch
from neubauer.sequences.read import SequenceSet


@dataclass(frozen=True)
class SequenceData:
    """Sequences as shares of letters, in memory; satisfies `TrainingData`.

    Attributes
    ----------
    shares : (N, A, L) float32; the last of the A letters is the padding, where there is one.
    labels : (N,) int64 class indices, or None.
    """

    shares: np.ndarray
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.shares)

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """`sequence` (n, A, L) and, where there are classes, `class` (n,). Nothing is drawn from `rng`."""
        found = {"sequence": torch.from_numpy(self.shares[indices])}
        if self.labels is not None:
            found["class"] = torch.from_numpy(self.labels[indices])
        return found

    def subset(self, indices: np.ndarray) -> SequenceData:
        return SequenceData(self.shares[indices], None if self.labels is None else self.labels[indices])

    def split(self, share: float, seed: int) -> tuple[SequenceData, SequenceData | None]:
        """A training part and a held-out part; None instead of a held-out part of fewer than 16."""
        n = int(share * len(self))
        if n < 16:
            return self, None
        order = np.random.default_rng([seed, 2]).permutation(len(self))
        return self.subset(np.sort(order[n:])), self.subset(np.sort(order[:n]))


def sequence_data(sequences: SequenceSet, padded: bool) -> SequenceData:
    """For training; classes are taken only where there are at least two."""
    length = max(map(len, sequences.sequences))
    shares = sequences.alphabet.one_hot(sequences.sequences, length, padded)
    names = sequences.class_names
    if len(names) < 2:
        return SequenceData(shares)
    return SequenceData(shares, np.array([names.index(c) for c in sequences.classes], np.int64))


def fingerprint(sequences: SequenceSet, padded: bool) -> dict[str, object]:
    """What a run remembers of its data, so that it is not resumed on other data."""
    text = "\n".join((*sequences.sequences, *sequences.classes))
    return {
        "n": len(sequences),
        "alphabet": sequences.alphabet.name,
        "padded": padded,
        "sha256": hashlib.sha256(text.encode()).hexdigest()[:16],
    }
