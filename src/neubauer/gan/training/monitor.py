"""Numbers that say whether an adversarial run is healthy, and alarms where they are not.

Thresholds (names in `MonitorConfig`, defaults in brackets):

divergence
    A loss or a gradient norm is not finite; a loss exceeds `loss_limit` (1e4); or a gradient norm exceeds its median
    so far (over at least 20 records) `gradient_factor` (100) times in 3 records in a row.
collapse
    The mean distance between two generated items, over that between two real ones, is below `diversity_low` (0.4),
    with classes that of two items of a class, for any class;
    coverage of the real items is below `coverage_low` (0.05) and does not rise; or coverage is below its best so far,
    if that was at least 0.2, times `coverage_drop` (0.5).
memorisation
    Generated items lie nearer to single training items than held-out items do: both z of
    `metrics.generation.Copying` are below `copying_z` (-3).
overfitting
    The discriminator scores held-out items like generated ones: (train - held out) / (train - generated) exceeds
    `overfitting_gap` (0.5), and train and held out differ by more than 3 standard errors.

Divergence is fatal: training stops and keeps the last checkpoint. Collapse is called only after the first `warmup`
(half) of the steps, since every generator starts collapsed. The gap is the heuristic r_v of Karras et al., NeurIPS
2020; copying follows Meehan et al., AISTATS 2020.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from neubauer.gan.config.base import MonitorConfig
from neubauer.gan.game import Batch, Game
from neubauer.metrics.features import Encoder
from neubauer.metrics.generation import copying, diversity, manifold_metrics

ADVICE = {
    "divergence": "lower the learning rates of generator and discriminator, or add r1 or a gradient penalty",
    "collapse": "raise r1 or use a recipe with a penalty, lower the generator's learning rate, or train longer",
    "memorisation": "train on more images, stop earlier, or make the generator smaller; do not publish these samples",
    "overfitting": "switch adaptive augmentation on (augment.adaptive = true), raise r1, or train on more images",
}


@dataclass(frozen=True)
class Alarm:
    """Something is wrong: what, since when, and what to change."""

    kind: Literal["divergence", "collapse", "memorisation", "overfitting"]
    step: int
    message: str

    @property
    def fatal(self) -> bool:
        return self.kind == "divergence"

    def __str__(self) -> str:
        return f"step {self.step}: {self.kind}: {self.message}. What to do: {ADVICE[self.kind]}."


class Reference:
    """The real items that samples are compared with.

    Parameters
    ----------
    encoder : features to compare in.
    train, holdout : items that are trained on, and items that are not (None where there are too few to spare some).
    key : name of the tensor of a batch that samples are comparable with.
    """

    def __init__(self, encoder: Encoder, train: Batch, holdout: Batch | None, key: str = "image") -> None:
        self.encoder = encoder
        self.train, self.holdout = train, holdout
        self.train_features = encoder(train[key])
        self.holdout_features = encoder(holdout[key]) if holdout is not None else None


class Monitor:
    """Watches the losses at every record, and the samples now and then. Its own state is small and goes into the
    checkpoint."""

    def __init__(self, config: MonitorConfig, reference: Reference | None = None) -> None:
        self.config = config
        self.reference = reference
        self.history: dict[str, list[float]] = defaultdict(list)
        self.exceeded: dict[str, int] = defaultdict(int)
        self.best_coverage = 0.0

    def state(self) -> dict[str, Any]:
        return {"history": dict(self.history), "exceeded": dict(self.exceeded), "best_coverage": self.best_coverage}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.history = defaultdict(list, state["history"])
        self.exceeded = defaultdict(int, state["exceeded"])
        self.best_coverage = state["best_coverage"]

    def watch(self, step: int, values: Mapping[str, float]) -> list[Alarm]:
        """Divergence, from the recorded losses (names without a prefix of their own) and gradient norms
        (`gradient/...`)."""
        c = self.config
        alarms = []
        for name, value in values.items():
            if not math.isfinite(value):
                alarms.append(Alarm("divergence", step, f"{name} is {value}"))
            elif name.startswith("gradient/"):
                past = self.history[name]
                limit = c.gradient_factor * float(np.median(past)) if len(past) >= 20 else math.inf
                self.exceeded[name] = self.exceeded[name] + 1 if value > limit else 0
                if self.exceeded[name] >= 3:
                    alarms.append(
                        Alarm(
                            "divergence", step, f"{name} {value:.3g} exceeds its usual size {c.gradient_factor:g} times"
                        )
                    )
                past.append(value)
                del past[:-1000]
            elif abs(value) > c.loss_limit and name.startswith("loss/"):
                alarms.append(Alarm("divergence", step, f"{name} is {value:.3g}, beyond {c.loss_limit:g}"))
        return alarms

    def inspect(self, step: int, steps: int, game: Game, generator: nn.Module) -> tuple[dict[str, float], list[Alarm]]:
        """Numbers and alarms from fresh samples of `generator`. Random states are the caller's business."""
        samples = game.sample(generator, self.config.samples) if self.reference is not None else None
        if self.reference is None or samples is None:
            return {}, []
        c, r = self.config, self.reference
        fake = r.encoder(samples.float().cpu())
        if not np.isfinite(fake).all():
            return {}, []  # `watch` finds the cause, in all processes at once
        real = r.train_features[: max(c.samples, 16)]
        of_real, of_fake = r.train.get("class"), game.sample_classes(len(fake))
        if of_real is None or of_fake is None:
            spread = diversity(real, fake)
        else:
            spread = diversity(real, fake, of_real[: len(real)].numpy(), of_fake.numpy())
        found = {**manifold_metrics(real, fake), "diversity": spread}
        alarms = self._collapse(step, found) if step >= c.warmup * steps else []
        self.best_coverage = max(self.best_coverage, found["coverage"])
        if r.holdout is not None and r.holdout_features is not None:
            copied = copying(r.train_features, r.holdout_features, fake)
            found |= {"copying_distance_z": copied.distance_z, "copying_ratio_z": copied.ratio_z}
            if copied.z < c.copying_z:
                message = f"samples lie nearer to single training items than held-out items do (z = {copied.z:.1f})"
                alarms.append(Alarm("memorisation", step, message))
            alarms += self._overfitting(step, found, game, generator)
        return {f"monitor/{name}": value for name, value in found.items()}, alarms

    def _collapse(self, step: int, found: Mapping[str, float]) -> list[Alarm]:
        c = self.config
        coverage, spread = found["coverage"], found["diversity"]
        reasons = []
        if spread < c.diversity_low:
            reasons.append(f"samples (of a class) differ {spread:.2f} times as much as training items")
        if coverage < c.coverage_low and coverage <= self.best_coverage:
            reasons.append(f"they cover {coverage:.0%} of the training items")
        elif self.best_coverage >= 0.2 and coverage < c.coverage_drop * self.best_coverage:
            reasons.append(f"coverage of the training items fell from {self.best_coverage:.0%} to {coverage:.0%}")
        return [Alarm("collapse", step, "; ".join(reasons))] if reasons else []

    def _overfitting(self, step: int, found: dict[str, float], game: Game, generator: nn.Module) -> list[Alarm]:
        r = self.reference
        assert r is not None
        assert r.holdout is not None
        n = min(len(r.train_features), 512)
        train = game.score({name: t[:n] for name, t in r.train.items()})
        held = game.score({name: t[:512] for name, t in r.holdout.items()})
        fake = game.score_generated(generator, n)
        if train is None or held is None or fake is None:
            return []
        train, held, fake = (
            s.float().flatten(1).mean(1).cpu() if s.ndim > 1 else s.float().cpu() for s in (train, held, fake)
        )
        margin = float(train.mean() - fake.mean())
        gap = float(train.mean() - held.mean())
        error = _standard_error(train, held)
        found |= {
            "score_train": float(train.mean()),
            "score_holdout": float(held.mean()),
            "score_generated": float(fake.mean()),
        }
        if margin <= 0 or error == 0:
            return []
        found["overfitting_gap"] = gap / margin
        if gap / margin > self.config.overfitting_gap and gap / error > 3:
            where = f"{gap / margin:.0%} of the way from training to generated items"
            return [Alarm("overfitting", step, f"the discriminator scores held-out items {where}")]
        return []


def _standard_error(a: Tensor, b: Tensor) -> float:
    return float(torch.sqrt(a.var() / len(a) + b.var() / len(b)))
