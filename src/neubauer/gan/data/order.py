"""The order in which a run goes through its data: a pure function of the seed and of the number of the batch."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from neubauer.errors import InputError


class Order:
    """Batch k of an endless sequence of random permutations of n items.

    Each epoch is a permutation drawn from (seed, epoch); batches may straddle two epochs, so no item is left out.

    Parameters
    ----------
    n : number of items.
    batch_size : items per batch, all processes together.
    seed : of the run.
    rank, world_size : this process takes the `rank`-th of `world_size` equal parts of each batch.

    Raises
    ------
    InputError : fewer items than a batch, or a batch that does not divide among the processes.
    """

    def __init__(self, n: int, batch_size: int, seed: int, rank: int = 0, world_size: int = 1) -> None:
        if n < batch_size:
            raise InputError(
                "training data", f"{n} items", f"at least one batch ({batch_size}); lower training.batch_size"
            )
        if batch_size % world_size:
            raise InputError("training.batch_size", str(batch_size), f"a multiple of the {world_size} processes")
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.rank, self.share = rank, batch_size // world_size
        self._permutation = lru_cache(maxsize=2)(lambda epoch: np.random.default_rng([seed, epoch]).permutation(n))

    def indices(self, k: int) -> np.ndarray:
        """Indices of this process' part of batch `k`, (batch_size / world_size,)."""
        start = k * self.batch_size + self.rank * self.share
        places = np.arange(start, start + self.share)
        epochs = places // self.n
        parts = [self._permutation(int(e))[places[epochs == e] % self.n] for e in np.unique(epochs)]
        return np.concatenate(parts)

    def rng(self, k: int) -> np.random.Generator:
        """The generator for whatever batch `k` of this process draws."""
        return np.random.default_rng([self.seed, k, self.rank, 1])
