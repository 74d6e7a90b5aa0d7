"""What a generator of sequences has to beat: Markov chains and shuffled sequences."""

from __future__ import annotations

import numpy as np

from neubauer.sequences.alphabet import UNKNOWN


class MarkovChain:
    """Each letter depends on the `order` letters before it, everywhere in the same way.

    Parameters
    ----------
    order : number of letters that are remembered.
    letters : size of the alphabet.
    """

    def __init__(self, order: int, letters: int) -> None:
        self.order, self.letters = order, letters

    def fit(self, indices: np.ndarray) -> MarkovChain:
        """Count transitions in (N, L) indices; one count per context is added, shared in proportion to the frequencies
        of the letters. What is no letter is skipped."""
        k = self.order
        counts = np.zeros((self.letters**k, self.letters))
        windows = np.lib.stride_tricks.sliding_window_view(indices, k + 1, axis=1).reshape(-1, k + 1)
        windows = windows[(windows != UNKNOWN).all(1)].astype(np.int64)
        np.add.at(counts, (self._context(windows[:, :k]), windows[:, k]), 1)
        frequency = np.bincount(indices[indices != UNKNOWN], minlength=self.letters) / (indices != UNKNOWN).sum()
        counts += frequency
        self.cumulative = np.cumsum(counts / counts.sum(1, keepdims=True), axis=1)
        self.cumulative[:, -1] = 1.0
        starts = indices[:, :k]
        self.starts = starts[(starts != UNKNOWN).all(1)]
        self.lengths = (indices != UNKNOWN).sum(1)
        self.width = indices.shape[1]
        return self

    def sample(self, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, L) new sequences; they begin as training sequences do and are as long."""
        made = np.full((n, self.width), UNKNOWN, np.int16)
        made[:, : self.order] = self.starts[rng.integers(len(self.starts), size=n)]
        for i in range(self.order, self.width):
            context = self._context(made[:, i - self.order : i].astype(np.int64))
            made[:, i] = (rng.random((n, 1)) > self.cumulative[context]).sum(1)
        ends = rng.choice(self.lengths, n)
        made[np.arange(self.width) >= ends[:, None]] = UNKNOWN
        return made

    def _context(self, before: np.ndarray) -> np.ndarray:
        return before @ self.letters ** np.arange(self.order - 1, -1, -1)


def shuffled(indices: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """`n` of the sequences (N, L), drawn with replacement, the letters of each in random order."""
    chosen = indices[rng.integers(len(indices), size=n)].copy()
    for row in chosen:
        letters = row[row != UNKNOWN]
        rng.shuffle(letters)
        row[row != UNKNOWN] = letters
    return chosen
