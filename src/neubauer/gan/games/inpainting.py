"""Filling in holes: what is put there should be what was there, and look as if it had been."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neubauer.gan.game import Batch, Game, Losses
from neubauer.gan.inpainting_config import InpaintingConfig
from neubauer.gan.losses import LOSSES
from neubauer.gan.regularizers import spectral_norm
from neubauer.nets.inpainting import InpaintingNet
from neubauer.nets.patch import PatchDiscriminator

PREVIEWS = 12


class Inpainting(Game):
    """Yu et al., ICCV 2019: gated convolutions, hinge loss, spectral norm; the discriminator sees image and holes.

    Batches: `image` (N, C, Y, X) in [-1, 1], `holes` (N, 1, Y, X), 1 in holes.

    Parameters
    ----------
    config : the recipe.
    channels : C.
    """

    def __init__(self, config: InpaintingConfig, channels: int) -> None:
        super().__init__()
        self.config = config
        self.adversarial = LOSSES["hinge"]
        self.generator: nn.Module = InpaintingNet(channels, widths=config.widths, dilations=config.dilations)
        self.discriminator: nn.Module = spectral_norm(PatchDiscriminator(channels + 1, config.critic_widths))
        self._made: Tensor | None = None
        self._shown: Batch | None = None

    def discriminator_loss(self, batch: Batch) -> Losses:
        self._made = self._fill(batch)
        image, holes = batch["image"], batch["holes"]
        if not self._warm:  # nothing to learn before the generator listens
            return Losses({"adversarial": self.discriminator(torch.cat([image, holes], 1)).float().mean() * 0})
        filled = (self._made * holes + image * (1 - holes)).detach()
        real, fake = (self.discriminator(torch.cat([x, holes], 1)).float() for x in (image, filled))
        logs = {"score_real": real.mean(), "score_fake": fake.mean()}
        return Losses({"adversarial": self.adversarial.discriminator(real, fake, 0.0)}, logs)

    def generator_loss(self, batch: Batch) -> Losses:
        c, image, holes = self.config, batch["image"], batch["holes"]
        made, self._made = self._made, None
        if made is None:
            made = self._fill(batch)
        error = (made - image).abs()
        channels = image.shape[1]
        terms = {
            "reconstruction": c.reconstruction * (error * holes).sum() / (holes.sum() * channels).clamp_min(1),
            "surroundings": c.surroundings * (error * (1 - holes)).mean(),
        }
        if self._warm and c.adversarial:
            filled = made * holes + image * (1 - holes)
            fake = self.discriminator(torch.cat([filled, holes], 1)).float()
            terms["adversarial"] = c.adversarial * self.adversarial.generator(fake, fake)
        return Losses(terms)

    def show(self, batch: Batch) -> None:
        """Use the first images of this batch for all previews."""
        self._shown = {name: items[:PREVIEWS] for name, items in batch.items()}

    def preview(self, generator: nn.Module) -> Tensor | None:
        """Images with holes, then filled in."""
        if self._shown is None:
            return None
        device = next(self.parameters()).device
        image, holes = (self._shown[name].to(device) for name in ("image", "holes"))
        made = generator(image, holes, torch.zeros_like(holes)).float()
        return torch.cat([image * (1 - holes), made * holes + image * (1 - holes)])

    @property
    def _warm(self) -> bool:
        return self.step >= self.config.warmup * self.steps

    def _fill(self, batch: Batch) -> Tensor:
        holes = batch["holes"]
        return self.generator(batch["image"], holes, torch.randn_like(holes) * holes).float()
