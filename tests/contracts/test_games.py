"""What every game promises."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from neubauer.gan.build import build_game
from neubauer.gan.config.base import merge, validate
from neubauer.gan.data.sequences import sequence_data
from neubauer.gan.game import Game
from neubauer.gan.games.registry import GAMES, Family
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.loss import activate, layout_loss
from neubauer.nets.classifier import CellNet
from neubauer.nets.unet import LayoutNet
from neubauer.recipes import load_recipe, recipe_names
from neubauer.sequences.read import sequences_from

N, SIDE, LAST = 4, 32, 3
QUIET = {"training": {"steps": 4, "batch_size": N, "accelerator": "cpu", "precision": "float32"}}


def images(channels: int = 1, n: int = N) -> torch.Tensor:
    return torch.rand(n, channels, SIDE, SIDE, generator=torch.Generator().manual_seed(channels)) * 2 - 1


def of_images(config: Any, kind: Any) -> tuple[Game, dict[str, torch.Tensor]]:
    return build_game(config, (1, SIDE, SIDE), 2), {"image": images(), "class": torch.arange(N) % 2}


def of_translation(config: Any, kind: Any) -> tuple[Game, dict[str, torch.Tensor]]:
    return build_game(config, (1, 1)), {"a": images(), "b": images().flip(-1)}


def of_classifier(config: Any, kind: Any) -> tuple[Game, dict[str, torch.Tensor]]:
    network = CellNet(1, 3, widths=(8, 16, 32), depths=(1, 1), hidden=16, dropout=0.0, stem_stride=1)
    batch = {"labelled": images(n=3), "class": torch.arange(3), "weak": images(), "strong": images()}
    return build_game(config, network, (1, SIDE, SIDE)), batch


def of_sequences(config: Any, kind: Any) -> tuple[Game, dict[str, torch.Tensor]]:
    known = sequence_data(sequences_from(["ACGTTGCAACGTTGCA", "TTGCAACGTTGCAACG"] * 4, None, "dna", False), False)
    game = build_game(config, 4, 16, 0)
    game.prepare(known)
    return game, known.batch(np.arange(N), np.random.default_rng(0))


def of_inpainting(config: Any, kind: Any) -> tuple[Game, dict[str, torch.Tensor]]:
    holes = torch.zeros(N, 1, SIDE, SIDE)
    holes[:, :, 8:20, 8:20] = 1
    image, game = images(), build_game(config, 1)
    batch = {"image": image, "smooth": image * (1 - holes), "holes": holes}
    game.start(batch)
    return game, batch


def of_labelfree(config: Any, kind: Any) -> tuple[Game, dict[str, torch.Tensor]]:
    spec = LayoutSpec(("cell",), 24.0)
    segmenter = LayoutNet(1, spec.channels, (8, 8), (1, 1))
    weight = torch.ones(1)
    game = kind.build(
        *(config.painter, 1, spec, segmenter),
        lambda raw, maps, known: layout_loss(raw, maps, known, spec, weight),
        lambda raw: activate(raw, spec),
    )
    maps = torch.rand(N, spec.channels, SIDE // 2, SIDE // 2)
    batch = {"image": images(), "rendering": images(), "maps": maps, "known": torch.ones_like(maps)}
    return game, batch


MAKE: dict[Family, Callable[[Any, Any], tuple[Game, dict[str, torch.Tensor]]]] = {
    "images": of_images,
    "translation": of_translation,
    "classifier": of_classifier,
    "sequences": of_sequences,
    "inpainting": of_inpainting,
    "labelfree": of_labelfree,
}


def played(name: str) -> tuple[Game, dict[str, torch.Tensor]]:
    """The game of the first recipe that names it, and a batch."""
    kind = GAMES[name]
    tables = load_recipe(recipe_names(name)[0])
    tables = tables if kind.family == "labelfree" else merge(tables, QUIET)
    torch.manual_seed(0)
    return MAKE[kind.family](validate(kind.schema, tables, name), kind)


def losses(game: Game, batch: dict[str, torch.Tensor]) -> list[tuple[str, nn.Module, Any]]:
    players: list[tuple[str, nn.Module, Any]] = []
    if game.discriminator is not None:
        players.append(("discriminator", game.discriminator, game.discriminator_loss))
    return [*players, ("generator", game.generator, game.generator_loss)]


@pytest.mark.parametrize("name", GAMES)
def test_every_player_learns_and_losses_are_finite(name: str) -> None:
    game, batch = played(name)
    game.train()
    game.steps = LAST + 1
    for step, (player, network, loss) in itertools.product((0, LAST), losses(game, batch)):
        game.step = step
        optimiser = torch.optim.SGD(network.parameters(), lr=1e-3)
        before = [p.detach().clone() for p in network.parameters()]
        optimiser.zero_grad()
        terms = loss(batch).terms
        total = torch.stack([term.float() for term in terms.values()]).sum()
        assert torch.isfinite(total), (player, terms)
        total.backward()
        optimiser.step()
        if step == LAST:  # a player may rest before
            changed = [not torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True)]
            assert any(changed), f"the {player} does not learn"


@pytest.mark.parametrize("name", GAMES)
def test_weights_depend_on_the_seed_alone_and_survive_a_file(name: str) -> None:
    (game, _), (again, _) = played(name), played(name)
    ours, theirs = game.state_dict(), again.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(value, theirs[key]) for key, value in ours.items())
    for value in again.parameters():
        nn.init.zeros_(value)
    again.load_state_dict(ours)
    assert all(torch.equal(value, again.state_dict()[key]) for key, value in ours.items())
