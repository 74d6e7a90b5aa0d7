"""Each alarm rings in a run that was made to fail that way, and none in healthy runs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from neubauer.gan.build import build_game
from neubauer.gan.config.base import MonitorConfig, merge
from neubauer.gan.data.images import images_from_array
from neubauer.gan.game import Game, Losses
from neubauer.gan.training.monitor import Monitor, Reference
from neubauer.gan.training.report import Report, TrainingDiverged
from neubauer.gan.training.trainer import Trainer
from neubauer.metrics.features import RandomEncoder


def reference(train, holdout) -> Reference:
    rng = np.random.default_rng(0)
    items = train.batch(np.arange(len(train)), rng)
    return Reference(RandomEncoder(items["image"]), items, holdout.batch(np.arange(len(holdout)), rng))


def watched(config: Any, images: np.ndarray, run: Path, game: Game | None = None) -> Report:
    train, holdout = images_from_array(images).split(0.3, 0)
    assert holdout is not None
    game = game or build_game(config, train.shape)
    monitor = Monitor(config.training.monitor, reference(train, holdout))
    return Trainer(config.training, run, progress=False).fit(game, train, monitor)


def changes(steps: int, **more: Any) -> dict[str, Any]:
    return merge({"training": {"steps": steps, "monitor": {"every": 50, "samples": 128}}}, more)


@pytest.mark.parametrize(("recipe", "steps"), [("sngan", 150), ("dcgan", 300)])
def test_healthy_runs_are_silent(recipe, steps, small, blobs, tmp_path):
    report = watched(small(recipe, changes(steps)), blobs(512), tmp_path / "run")
    assert report.alarms == []
    assert report.metrics["monitor/coverage"] > 0.2
    assert report.metrics["monitor/diversity"] > 0.6


def test_collapse(small, blobs, tmp_path):
    """A generator that learns far too fast ends in one image."""
    fast = {"training": {"generator": {"learning_rate": 0.05}}}
    report = watched(small("dcgan", changes(150, **fast)), blobs(512), tmp_path / "run")
    assert {alarm.kind for alarm in report.alarms} == {"collapse"}
    assert "collapse" in (tmp_path / "run" / "log.txt").read_text()
    written = json.loads((tmp_path / "run" / "report.json").read_text())
    assert [alarm["kind"] for alarm in written["alarms"]] == ["collapse"] * len(report.alarms)


class OneImagePerClass(Game):
    """Generates the mean image of each class, whatever it is trained on."""

    def __init__(self, means: torch.Tensor) -> None:
        super().__init__()
        self.generator = torch.nn.Linear(1, 1)
        self.means = means

    def generator_loss(self, batch):
        return Losses({"nothing": self.generator(torch.zeros(1, 1)).square().mean()})

    def sample(self, generator, n):
        return self.means[self.sample_classes(n)]

    def sample_classes(self, n):
        return torch.arange(n) % len(self.means)


def test_collapse_within_classes(small, blobs, tmp_path):
    """The classes differ from each other as much as they should, but the samples of each are all the same."""
    images = blobs(256)
    label = (np.arange(256) % 2).astype(int)
    images[label == 1] = 255 - images[label == 1]
    data = images_from_array(images, [str(k) for k in label])
    train, holdout = data.split(0.3, 0)
    items = train.batch(np.arange(len(train)), np.random.default_rng(0))
    means = torch.stack([items["image"][items["class"] == k].mean(0) for k in range(2)])
    config = small("dcgan", changes(60))
    report = Trainer(config.training, tmp_path / "run", progress=False).fit(
        OneImagePerClass(means), train, Monitor(config.training.monitor, reference(train, holdout))
    )
    assert "collapse" in {alarm.kind for alarm in report.alarms}
    assert report.metrics["monitor/diversity"] < 0.1


def test_overfitting(small, tmp_path):
    """Noise has nothing to generalise: the discriminator can only learn its few training images by heart."""
    noise = np.random.default_rng(0).integers(0, 255, (120, 1, 8, 8)).astype(np.uint8)
    report = watched(small("lsgan", changes(400)), noise, tmp_path / "run")
    assert "overfitting" in {alarm.kind for alarm in report.alarms}


class Memoriser(Game):
    """Learns its training images by heart, each under a number of its own, and returns them."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.generator = torch.nn.Embedding(n, 64)
        self.seen = torch.zeros(n, dtype=torch.bool)

    def generator_loss(self, batch):
        images = batch["image"].flatten(1)
        number = (images.sum(1).abs() * 1000).long() % len(self.seen)
        self.seen[number] = True
        return Losses({"error": (self.generator(number) - images).square().mean()})

    def sample(self, generator, n):
        known = self.seen.nonzero()[:, 0]
        return generator(known[torch.arange(n) % len(known)]).view(n, 1, 8, 8)


def test_memorisation(small, tmp_path):
    images = np.random.default_rng(1).integers(0, 255, (120, 1, 8, 8)).astype(np.uint8)
    fast = {"training": {"generator": {"learning_rate": 0.1}}}
    report = watched(small("dcgan", changes(200, **fast)), images, tmp_path / "run", Memoriser(400))
    kinds = {alarm.kind for alarm in report.alarms}
    assert "memorisation" in kinds
    assert "overfitting" not in kinds


def test_divergence_by_a_learning_rate_that_is_too_high(small, blobs, tmp_path):
    wild = {"training": {"discriminator": {"learning_rate": 30.0}, "log_every": 1}}
    with pytest.raises(TrainingDiverged, match="lower the learning rates"):
        watched(small("lsgan", changes(100, **wild)), blobs(128), tmp_path / "run")


def test_divergence_rules():
    monitor = Monitor(MonitorConfig())
    for step in range(30):
        assert monitor.watch(step, {"gradient/generator": 1.0 + step % 3, "loss/generator/adversarial": -5.0}) == []
    for step in range(30, 32):  # a spike or two is no divergence
        assert monitor.watch(step, {"gradient/generator": 1e4}) == []
    (alarm,) = monitor.watch(32, {"gradient/generator": 1e4})
    assert alarm.fatal
    assert "gradient/generator" in alarm.message
    assert monitor.watch(40, {"loss/generator/adversarial": float("nan")})[0].kind == "divergence"
    assert monitor.watch(41, {"loss/generator/adversarial": -2e4})[0].kind == "divergence"
    assert monitor.watch(42, {"discriminator/score_real": 2e4}) == []  # a score has no scale


def test_state_survives_json():
    monitor, other = Monitor(MonitorConfig()), Monitor(MonitorConfig())
    for step in range(25):
        monitor.watch(step, {"gradient/generator": 1.0})
    monitor.watch(25, {"gradient/generator": 1e4})
    other.restore(json.loads(json.dumps(monitor.state())))
    for m in (monitor, other):
        assert m.watch(26, {"gradient/generator": 1e4}) == []
        assert len(m.watch(27, {"gradient/generator": 1e4})) == 1
