"""How near generated items are to real ones, in the features of an encoder (`neubauer.metrics.features`).

All functions take features as arrays (N, F) and are symmetric in nothing unless they say so: `real` comes first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigvals
from scipy.spatial.distance import cdist
from scipy.stats import mannwhitneyu, t

from neubauer.errors import InputError


@dataclass(frozen=True)
class Estimate:
    """A measured value with its confidence interval and the numbers of real and generated items that it rests on."""

    value: float
    low: float
    high: float
    n_real: int
    n_fake: int


def frechet_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """|m1 - m2|^2 + tr(S1 + S2 - 2 (S1 S2)^(1/2)): the Fréchet distance between Gaussians fitted to both. Heusel et
    al., NIPS 2017.

    Biased upwards for small samples: compare only values from equal numbers of items.
    """
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    difference = real.mean(0) - fake.mean(0)
    s1, s2 = np.atleast_2d(np.cov(real, rowvar=False)), np.atleast_2d(np.cov(fake, rowvar=False))
    # tr((S1 S2)^(1/2)) is the sum of the roots of the eigenvalues of S1 S2, which are real and not negative up to
    # rounding
    root = np.sqrt(np.clip(eigvals(s1 @ s2).real, 0, None)).sum()
    return float(difference @ difference + np.trace(s1) + np.trace(s2) - 2 * root)


def kernel_distance(real: np.ndarray, fake: np.ndarray) -> float:
    """Unbiased squared maximum mean discrepancy under the kernel (x.y / F + 1)^3. Bińkowski et al., ICLR 2018 (KID)."""
    real, fake = np.asarray(real, np.float64), np.asarray(fake, np.float64)

    def kernel(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return (a @ b.T / a.shape[1] + 1) ** 3

    def without_diagonal(k: np.ndarray) -> float:
        n = len(k)
        return float((k.sum() - np.trace(k)) / (n * (n - 1)))

    cross = float(kernel(real, fake).mean())
    return without_diagonal(kernel(real, real)) + without_diagonal(kernel(fake, fake)) - 2 * cross


def _radii(points: np.ndarray, k: int) -> np.ndarray:
    """Distance of each point to its k-th nearest other point, (N,)."""
    k = min(k, len(points) - 1)
    return np.partition(cdist(points, points), k, axis=1)[:, k]


def manifold_metrics(real: np.ndarray, fake: np.ndarray, k: int = 5) -> dict[str, float]:
    """`precision`, `recall`, `density` and `coverage` from neighbourhoods of the k nearest points.

    Precision: share of generated items inside a real neighbourhood; recall: share of real items inside a generated one
    (Kynkäänniemi et al., NeurIPS 2019). Density and coverage: Naeem et al., ICML 2020, equations 5 and 6; coverage is
    the share of real items that have a generated one in their neighbourhood.
    """
    between = cdist(real, fake)
    near_real = between < _radii(real, k)[:, None]
    near_fake = between < _radii(fake, k)[None, :]
    return {
        "precision": float(near_real.any(0).mean()),
        "recall": float(near_fake.any(1).mean()),
        "density": float(near_real.sum(0).mean() / k),
        "coverage": float(near_real.any(1).mean()),
    }


def diversity(
    real: np.ndarray,
    fake: np.ndarray,
    real_class: np.ndarray | None = None,
    fake_class: np.ndarray | None = None,
    least: int = 5,
) -> float:
    """Mean distance between two generated items, divided by that between two real ones: near 1 if healthy, 0 if all are
    equal.

    With classes (N,) and (M,): of the class in which it is smallest, among those with `least` items of both kinds.
    """
    if real_class is not None and fake_class is not None:
        parts = [(real[real_class == k], fake[fake_class == k]) for k in np.unique(fake_class)]
        found = [diversity(r, f) for r, f in parts if min(len(r), len(f)) >= least]
        if found:
            return min(found)
    return _mean_distance(fake) / max(_mean_distance(real), 1e-12)


def _mean_distance(points: np.ndarray) -> float:
    n = len(points)
    return float(cdist(points, points).sum() / (n * (n - 1)))


def _z_of_ranks(smaller: np.ndarray, than: np.ndarray) -> float:
    """z of the Mann-Whitney U statistic; negative where `smaller` tends to be smaller than `than`."""
    n, m = len(smaller), len(than)
    u = mannwhitneyu(smaller, than).statistic
    return float((u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))


@dataclass(frozen=True)
class Copying:
    """Whether generated items lie nearer to the training items than fresh real items do.

    Attributes
    ----------
    distance_z : z of the distances to the nearest training item, generated against held out (the C_T of Meehan et al.,
        AISTATS 2020, with one cell). Below -3: significantly nearer. A generator that makes only typical items gets
        there too, so look also at
    ratio_z : the same for the ratio of the distances to the nearest and the second nearest training item, which is
        small only for items that belong to one training item.
    """

    distance_z: float
    ratio_z: float

    @property
    def z(self) -> float:
        """The weaker of the two: below -3 where both say so."""
        return max(self.distance_z, self.ratio_z)


def copying(train: np.ndarray, holdout: np.ndarray, fake: np.ndarray) -> Copying:
    """Test for memorisation after Meehan, Chaudhuri & Dasgupta, AISTATS 2020.

    Parameters
    ----------
    train, holdout, fake : features (N, F) of the training items, of real items that were not trained on, and of
        generated ones.
    """

    def nearest_two(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        two = np.partition(cdist(points, train), 1, axis=1)[:, :2]
        return two[:, 0], two[:, 0] / np.maximum(two[:, 1], 1e-12)

    fake_distance, fake_ratio = nearest_two(fake)
    real_distance, real_ratio = nearest_two(holdout)
    return Copying(_z_of_ranks(fake_distance, real_distance), _z_of_ranks(fake_ratio, real_ratio))


def with_interval(
    metric: Callable[[np.ndarray, np.ndarray], float],
    real: np.ndarray,
    fake: np.ndarray,
    *,
    confidence: float = 0.95,
    repeats: int = 20,
    seed: int = 0,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Estimate:
    """A metric with an interval by the delete-half jackknife.

    The standard error is the spread of the metric over random halves of both sets, drawn without replacement (with
    replacement, the repeated items would look like neighbours). Shao & Wu, Annals of Statistics 17:1176, 1989: with
    half of the items deleted the factor between that spread and the standard error is 1.
    The interval ends at `bounds`.
    """
    rng = np.random.default_rng(seed)
    halves = [
        metric(
            real[rng.choice(len(real), len(real) // 2, replace=False)],
            fake[rng.choice(len(fake), len(fake) // 2, replace=False)],
        )
        for _ in range(repeats)
    ]
    value = metric(real, fake)
    margin = float(np.std(halves, ddof=1) * t.ppf((1 + confidence) / 2, repeats - 1))
    return Estimate(value, max(value - margin, bounds[0]), min(value + margin, bounds[1]), len(real), len(fake))


def generation_metrics(
    real: np.ndarray, fake: np.ndarray, *, k: int = 5, confidence: float = 0.95, seed: int = 0
) -> dict[str, Estimate]:
    """`frechet_distance`, `kernel_distance`, `precision`, `recall`, `density`, `coverage`, each with its interval.

    Raises
    ------
    InputError : fewer than 4 k items on one side, or features of different length.
    """
    for name, features in (("real items", real), ("generated items", fake)):
        if len(features) < 4 * k:
            raise InputError(name, f"{len(features)}", f"at least {4 * k}")
    if real.shape[1] != fake.shape[1]:
        raise InputError("generated items", f"{fake.shape[1]} features", f"{real.shape[1]}, as the real ones have")
    estimates = {
        name: with_interval(metric, real, fake, confidence=confidence, seed=seed)
        for name, metric in (("frechet_distance", frechet_distance), ("kernel_distance", kernel_distance))
    }
    for name in ("precision", "recall", "density", "coverage"):
        estimates[name] = with_interval(
            lambda a, b, name=name: manifold_metrics(a, b, k)[name],  # type: ignore[misc]
            real,
            fake,
            confidence=confidence,
            seed=seed,
            bounds=(0, np.inf if name == "density" else 1),
        )
    return estimates
