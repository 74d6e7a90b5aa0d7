"""What a counter has seen: features of its training images, to tell strange images, and parts of images, from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from scipy.spatial import cKDTree
from torch import Tensor

COMPONENTS = 16
"""Principal components that are compared: distances between a few hundred blocks mean little in more."""
NETWORK = 0.5
"""Weight of the network's features beside what the pixels look like, as standard deviations: measured on sources left
out of training, the network alone takes some of them for its own kind, and so does the look of the pixels alone."""
LEAST_SPREAD = 1e-3
"""Of a component, as a share of the first one's."""
NEIGHBOURS = 3
MOST = 1500
"""Blocks that are kept."""
PRIOR, SCATTER = 2, 0.3
"""See `usual_distance`."""
USUAL = 0.95
"""Share of images of the known kind whose distance is called usual, at most 1."""


@dataclass(frozen=True)
class Known:
    """The blocks of the training images in feature space.

    Attributes
    ----------
    mean : (F,) of the features.
    basis : (F, D) that turns them into D whitened principal components.
    blocks : (N, D) of the training images.
    usual : distance that USUAL of the images of the known kind do not exceed.
    middle : their distance on average (geometric mean), in units of `usual`.
    """

    mean: np.ndarray
    basis: np.ndarray
    blocks: np.ndarray
    usual: float
    middle: float

    def distances(self, features: np.ndarray) -> np.ndarray:
        """(By, Bx) distance of each block of an image (By, Bx, F) from the training images, in units of the usual one;
        NaN where the network did not look.

        The distance to the NEIGHBOURS nearest training blocks on average (Sun et al., "Out-of-distribution detection
        with deep nearest neighbors", ICML 2022).
        """
        flat = features.reshape(-1, features.shape[-1])
        seen = np.isfinite(flat[:, 0])
        found = np.full(len(flat), np.nan)
        if seen.any():
            found[seen] = nearest((flat[seen] - self.mean) @ self.basis, self._tree)
        return (found / self.usual).reshape(features.shape[:2])

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.blocks)

    def tensors(self) -> dict[str, Tensor]:
        """As a model file keeps them."""
        arrays = {"mean": self.mean, "basis": self.basis, "blocks": self.blocks}
        found = {f"known.{name}": torch.from_numpy(np.asarray(a, np.float32)) for name, a in arrays.items()}
        return found | {f"known.{n}": torch.tensor(getattr(self, n), dtype=torch.float32) for n in ("usual", "middle")}

    @classmethod
    def of(cls, tensors: dict[str, Tensor]) -> Known | None:
        """From what a model file holds; None where it holds nothing of the kind; KeyError where it lacks a part."""
        if not any(n.startswith("known.") for n in tensors):
            return None
        mean, basis, blocks = (tensors[f"known.{n}"].float().numpy() for n in ("mean", "basis", "blocks"))
        return cls(mean, basis, blocks, float(tensors["known.usual"]), float(tensors["known.middle"]))


def strangeness(distances: np.ndarray) -> float:
    """Of a whole image, from the distances of its blocks: their mean; 0 where nothing was looked at."""
    seen = distances[np.isfinite(distances)]
    return float(seen.mean()) if len(seen) else 0.0


def remember(trained: Sequence[np.ndarray], held_out: Sequence[np.ndarray], looks: int = 0, seed: int = 0) -> Known:
    """What is to be kept of the training images.

    Parameters
    ----------
    trained, held_out : (By, Bx, F) features of training images, and of images of the same kind that were not trained
        on, which say what distance is usual.
    looks : so many of the features, the last ones, say what the pixels look like; each of these has the same weight,
        and together they weigh 1 / NETWORK as much as all others.
    seed : of the choice of blocks, where there are too many.
    """
    every = np.concatenate([f.reshape(-1, f.shape[-1]) for f in trained])
    mean, weights = every.mean(0), _weights(every, looks)
    _, spread, axes = np.linalg.svd((every - mean) * weights, full_matrices=False)
    n = min(COMPONENTS, max(1, int((spread > LEAST_SPREAD * spread[0]).sum())))
    scale = np.maximum(spread[:n] / np.sqrt(max(len(every) - 1, 1)), 1e-6)
    basis = weights[:, None] * axes[:n].T / scale
    if len(every) > MOST:
        every = every[np.random.default_rng(seed).choice(len(every), MOST, replace=False)]
    mean, basis, blocks = (np.asarray(a, np.float32) for a in (mean, basis, (every - mean) @ basis))
    tree = cKDTree(blocks)
    found = [strangeness(nearest((f.reshape(-1, f.shape[-1]) - mean) @ basis, tree)) for f in held_out]
    usual = usual_distance(found)
    return Known(mean, basis, blocks, usual, float(np.exp(np.log(np.maximum(found, 1e-3)).mean()) / usual))


def _weights(features: np.ndarray, looks: int) -> np.ndarray:
    """(F,) by which (N, F) features are multiplied before they are compared."""
    spread = features.std(0)
    own = len(spread) - looks
    network = NETWORK if looks else 1.0
    together = max(float(np.linalg.norm(spread[:own])), 1e-6)
    return np.concatenate(
        [np.full(own, network / together), 1 / (np.maximum(spread[own:], 1e-6) * np.sqrt(max(looks, 1)))]
    )


def usual_distance(distances: Sequence[float]) -> float:
    """What USUAL of further images like these will not exceed.

    The prediction bound of Student's t-distribution for the logarithms; as if PRIOR images had scattered by SCATTER
    before: two or three distances that are alike by chance do not say that all will be.
    """
    from scipy import stats

    logs = np.log(np.maximum(distances, 1e-3))
    n = len(logs)
    variance = (float(((logs - logs.mean()) ** 2).sum()) + PRIOR * SCATTER**2) / (n - 1 + PRIOR)
    bound = stats.t.ppf(USUAL, n - 1 + PRIOR) * np.sqrt(variance * (1 + 1 / n))
    return float(np.exp(logs.mean() + bound))


def nearest(points: np.ndarray, blocks: cKDTree) -> np.ndarray:
    """(M,) mean distance of (M, D) points to their nearest blocks."""
    k = min(NEIGHBOURS, blocks.n)
    found = np.asarray(blocks.query(points, k=k)[0])
    return found.reshape(len(points), k).mean(1)
