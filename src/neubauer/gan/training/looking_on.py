"""Looking at a game without changing it."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric

from neubauer.gan.game import Game


class LookingOn:
    """Context for looking at a game without changing it: no gradients, evaluation mode, random states put back
    afterwards."""

    def __init__(self, game: Game, fabric: Fabric) -> None:
        device = fabric.device
        self.game = game
        self.contexts = [
            torch.no_grad(),
            fabric.autocast(),
            torch.random.fork_rng(devices=[device.index or 0] if device.type == "cuda" else []),
        ]

    def __enter__(self) -> None:
        for context in self.contexts:
            context.__enter__()
        self.game.eval()

    def __exit__(self, *error: Any) -> None:
        self.game.train()
        for context in reversed(self.contexts):
            context.__exit__(*error)
