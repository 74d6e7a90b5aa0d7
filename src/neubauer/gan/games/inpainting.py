"""Filling in holes: what is put there should be what was there, and look as if it had been."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neubauer.gan.config.inpainting import InpaintingConfig
from neubauer.gan.game import Batch, Game, Losses
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.gan.losses import LOSSES
from neubauer.gan.regularizers import spectral_norm
from neubauer.nets.inpainting import InpaintingNet
from neubauer.nets.patch import PatchDiscriminator

PREVIEWS = 12
DIFFERENCE = 3.0
"""By this the difference from the smooth filling is enlarged, which is smaller than the image's own contrast."""


class Inpainting(Game):
    """Mean absolute difference in the holes, then also a discriminator of the patches that are mostly hole.

    The discriminator sees an image, its difference from the smooth filling, and the holes. Without the difference it
    takes far longer to learn what a smooth filling lacks.

    Batches: `image` and `smooth` (N, C, Y, X) in [-1, 1], the second with smoothly filled holes; `holes` (N, 1, Y, X),
    1 in holes.

    Parameters
    ----------
    config : the recipe.
    channels : C.
    """

    def __init__(self, config: InpaintingConfig, channels: int) -> None:
        super().__init__()
        self.config = config
        self.adversarial = LOSSES["hinge"]
        self.generator: nn.Module = InpaintingNet(channels, widths=config.widths, depths=config.depths)
        self.discriminator: nn.Module = spectral_norm(PatchDiscriminator(2 * channels + 1, config.critic_widths))
        self._made: Tensor | None = None
        self._shown: Batch | None = None

    def discriminator_loss(self, batch: Batch) -> Losses:
        self._made = self._fill(batch)
        image = batch["image"]
        if not self._warm:  # it rests, without gradients: Adam would count steps of 0, and its first real ones be huge
            return Losses({"adversarial": torch.zeros((), device=image.device, requires_grad=True)})
        real, fake = (self._scores(x, batch) for x in (image, self._made.detach()))
        logs = {"score_real": real.mean(), "score_fake": fake.mean()}
        return Losses({"adversarial": self.adversarial.discriminator(real, fake, 0.0)}, logs)

    def generator_loss(self, batch: Batch) -> Losses:
        c, image, holes = self.config, batch["image"], batch["holes"]
        made, self._made = self._made, None
        if made is None:
            made = self._fill(batch)
        network = self.generator
        assert isinstance(network, InpaintingNet)
        error = ((made - image).abs() / network.spread).sum() / (holes.sum() * image.shape[1]).clamp_min(1)
        terms = {"reconstruction": c.reconstruction * error}
        if self._warm and c.adversarial:
            fake = self._scores(made, batch)
            terms["adversarial"] = c.adversarial * self.adversarial.generator(fake, fake)
        return Losses(terms)

    def start(self, batch: Batch) -> None:
        """Look at images before training: standardise by them, and use the first of them for all previews."""
        assert isinstance(self.generator, InpaintingNet)
        self.generator.standardise(batch["image"])
        self._shown = {name: items[:PREVIEWS] for name, items in batch.items()}

    def preview(self, generator: nn.Module) -> Tensor | None:
        """Images with holes, then filled in."""
        if self._shown is None:
            return None
        device = next(self.parameters()).device
        shown = {name: items.to(device) for name, items in self._shown.items()}
        return torch.cat([shown["image"] * (1 - shown["holes"]), _filled(generator, shown)])

    @property
    def _warm(self) -> bool:
        return self.step >= self.config.warmup * self.steps

    def _scores(self, image: Tensor, batch: Batch) -> Tensor:
        """Scores of the patches that are mostly hole (of those that are most of all, where none is), (n,)."""
        network, smooth, holes = self.generator, batch["smooth"], batch["holes"]
        assert isinstance(network, InpaintingNet)
        added = DIFFERENCE * (image - smooth) / network.spread
        scores = self.discriminator(torch.cat([network.standardised(image), added, holes], 1)).float()
        share = F.adaptive_avg_pool2d(holes, scores.shape[-2:])
        return scores[share >= share.max().clamp(max=0.5)]

    def _fill(self, batch: Batch) -> Tensor:
        return _filled(self.generator, batch)


def _filled(generator: nn.Module, batch: Batch) -> Tensor:
    """What the generator puts into the holes, and the image around them."""
    made = generator(batch["smooth"], batch["holes"]).float()
    return made * batch["holes"] + batch["image"] * (1 - batch["holes"])


GAMES.register("inpainting")(GameKind("inpainting", InpaintingConfig, Inpainting))
