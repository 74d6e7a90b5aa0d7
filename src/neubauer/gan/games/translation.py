"""What the games between two domains have in common."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neubauer.gan.config.translation import TranslatorConfig
from neubauer.gan.game import Batch, Game
from neubauer.nets.translator import TranslatorNet

PREVIEWS = 6


class Translation(Game):
    """A game whose `generator` is a `ModuleDict` with the network `a2b` and, where there is a way back, `b2a`."""

    _shown: Batch | None = None

    @staticmethod
    def translator(config: TranslatorConfig, channels: int, out_channels: int) -> TranslatorNet:
        """A network as the recipe says."""
        return TranslatorNet(
            channels, out_channels, tone_width=config.tone_width, widths=config.widths, depths=config.depths
        )

    def translate(self, images: Tensor, way: str = "a2b", generator: nn.Module | None = None) -> Tensor:
        """(N, C, Y, X) -> (N, C', Y, X) float32."""
        networks = self.generator if generator is None else generator
        assert isinstance(networks, nn.ModuleDict)
        return networks[way](images).float()

    def show(self, batch: Batch) -> None:
        """Use the first images of this batch for all previews."""
        self._shown = {name: items[:PREVIEWS] for name, items in batch.items()}

    def preview(self, generator: nn.Module) -> Tensor | None:
        """First row images of A, then these translated; then B and these translated, where there is a way back. None
        where the domains have other numbers of channels."""
        if self._shown is None or self._shown["a"].shape != self._shown["b"].shape:
            return None
        device = next(self.parameters()).device
        rows = []
        assert isinstance(generator, nn.ModuleDict)
        for way in generator:
            images = self._shown[way[0]].to(device)
            rows += [images, self.translate(images, way, generator)]
        return torch.cat(rows)
