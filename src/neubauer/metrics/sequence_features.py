"""What the monitor compares sequences by."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from neubauer.metrics.sequences import kmer_codes

WINDOW = 30
SMALL_ALPHABET = 5


class WindowEncoder:
    """Roots of the k-mer counts in windows of about 30 positions: k is 3 for DNA and RNA, 1 for proteins. Distances
    between roots of frequencies are Hellinger's, which no frequent k-mer dominates.

    Parameters
    ----------
    letters : A, with the padding.
    """

    def __init__(self, letters: int) -> None:
        self.letters, self.k = letters, 3 if letters <= SMALL_ALPHABET else 1

    def __call__(self, images: Tensor) -> np.ndarray:
        """Sequences (N, A, L), shares of letters -> (N, F), by the most likely letter at each position."""
        indices = images.argmax(1).cpu().numpy()
        k = min(self.k, indices.shape[1])
        codes = kmer_codes(indices, self.letters, k)
        parts = np.array_split(codes, max(1, round(codes.shape[1] / WINDOW)), axis=1)
        size = self.letters**k
        rows = np.arange(len(codes))[:, None] * size
        counted = [np.bincount((rows + p).ravel(), minlength=len(codes) * size).reshape(-1, size) for p in parts]
        return np.sqrt(np.concatenate(counted, axis=1))
