"""Pairs of images: A -> B against a discriminator that sees both."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neubauer.gan.augment import Augment
from neubauer.gan.config.translation import Pix2PixConfig
from neubauer.gan.game import Batch, Losses
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.gan.games.translation import Translation
from neubauer.gan.losses import LOSSES
from neubauer.gan.regularizers import spectral_norm
from neubauer.nets.patch import PatchDiscriminator


class Pix2Pix(Translation):
    """Isola et al., CVPR 2017.

    Batches: `a` (N, C, Y, X) and `b` (N, C', Y, X) in [-1, 1], item i of both showing the same place.

    Parameters
    ----------
    config : the recipe.
    channels : C and C'.
    """

    def __init__(self, config: Pix2PixConfig, channels: tuple[int, int]) -> None:
        super().__init__()
        self.config = config
        self.adversarial = LOSSES[config.loss]
        self.generator = nn.ModuleDict({"a2b": self.translator(config, *channels)})
        self.discriminator: nn.Module = PatchDiscriminator(sum(channels), config.critic_widths)
        if config.spectral_norm:
            spectral_norm(self.discriminator)
        self.augment = Augment(config.augment)
        self._made: Tensor | None = None

    def discriminator_loss(self, batch: Batch) -> Losses:
        self._made = self.translate(batch["a"])
        # one call, so that image and translation are augmented alike
        real = self.discriminator(self.augment(torch.cat([batch["a"], batch["b"]], 1))).float()
        fake = self.discriminator(self.augment(torch.cat([batch["a"], self._made.detach()], 1))).float()
        logs = {"score_real": real.mean(), "score_fake": fake.mean()}
        return Losses({"adversarial": self.adversarial.discriminator(real, fake, 0.0)}, logs)

    def generator_loss(self, batch: Batch) -> Losses:
        made, self._made = self._made, None
        if made is None:
            made = self.translate(batch["a"])
        fake = self.discriminator(self.augment(torch.cat([batch["a"], made], 1))).float()
        return Losses(
            {
                "adversarial": self.adversarial.generator(fake, fake),
                "reconstruction": self.config.reconstruction * (made - batch["b"]).abs().mean(),
            }
        )


GAMES.register("pix2pix")(GameKind("translation", Pix2PixConfig, Pix2Pix))
