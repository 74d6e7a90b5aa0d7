"""An averaged generator has the running statistics that its own weights make."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import nn

from neubauer.gan.build import build_game
from neubauer.gan.games.image_gan import ImageGan
from neubauer.gan.training.checkpoint import read_checkpoint
from neubauer.gan.training.trainer import Trainer
from neubauer.nets.blocks import learn_statistics


def test_statistics_are_the_mean_over_the_passes():
    norms = nn.ModuleList([nn.BatchNorm1d(3), nn.BatchNorm1d(3)])
    norms[1].running_mean.fill_(7)
    batches = [torch.randn(10, 3) + k for k in range(4)]
    learn_statistics(norms, (partial(norms[0], batch) for batch in batches))
    torch.testing.assert_close(norms[0].running_mean, torch.cat(batches).mean(0))
    torch.testing.assert_close(norms[0].running_var, torch.stack([b.var(0) for b in batches]).mean(0))
    assert norms[1].running_mean.eq(7).all()  # no pass reached it
    assert norms[0].momentum == 0.1
    assert not norms.training


def test_other_weights_get_other_statistics(small, blob_set):
    config = small("dcgan")
    game = build_game(config, blob_set.shape)
    dense, norm = game.generator.dense[0], game.generator.dense[1]
    batches = [blob_set.batch(np.arange(32), np.random.default_rng(0))] * 20
    with torch.no_grad():
        game.settle(game.generator, batches)
        before = norm.running_var.clone()
        dense.weight.mul_(2)
        game.settle(game.generator, batches)
    torch.testing.assert_close(norm.running_var.mean(), 4 * before.mean(), rtol=0.1, atol=0)


def test_a_run_ends_settled_but_its_checkpoint_goes_on_unsettled(small, blob_set, tmp_path, monkeypatch):
    def mark(self, generator, batches):
        assert len(next(iter(batches))["image"]) == 32
        generator.dense[1].running_mean.fill_(7)

    monkeypatch.setattr(ImageGan, "settle", mark)
    config = small("dcgan", {"training": {"steps": 3}})
    game = build_game(config, blob_set.shape)
    Trainer(config.training, tmp_path / "run", progress=False).fit(game, blob_set)
    assert game.generator.dense[1].running_mean.eq(7).all()
    _, tensors = read_checkpoint(tmp_path / "run" / "checkpoint.safetensors")
    kept = [t for name, t in tensors.items() if name.endswith("dense.1.running_mean")]
    assert len(kept) == 2  # of the generator and of its average
    assert not any(t.eq(7).any() for t in kept)
