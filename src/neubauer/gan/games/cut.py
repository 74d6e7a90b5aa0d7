"""Unpaired images, one way: each place of a translation has to be told from the others by what was there."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neubauer.errors import InputError
from neubauer.gan.augment import Augment
from neubauer.gan.config.translation import CutConfig
from neubauer.gan.game import Batch, Losses
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.gan.games.translation import Translation
from neubauer.gan.losses import LOSSES
from neubauer.gan.regularizers import spectral_norm
from neubauer.nets.blocks import statistics_kept
from neubauer.nets.patch import PatchDiscriminator
from neubauer.nets.translator import PatchProjection, TranslatorNet


class Cut(Translation):
    """Park et al., ECCV 2020 (contrastive unpaired translation).

    Batches: `a` (N, C, Y, X) and `b` (N, C', Y, X) in [-1, 1], which have nothing to do with each other.

    Parameters
    ----------
    config : the recipe.
    channels : C and C'; the same number, since one encoder looks at both.
    """

    def __init__(self, config: CutConfig, channels: tuple[int, int]) -> None:
        super().__init__()
        self.config = config
        self.adversarial = LOSSES[config.loss]
        a2b = self.translator(config, *channels)
        self.generator = nn.ModuleDict({"a2b": a2b, "projection": PatchProjection(config.widths)})
        self.discriminator: nn.Module = PatchDiscriminator(channels[1], config.critic_widths)
        if config.spectral_norm:
            spectral_norm(self.discriminator)
        self.augment = Augment(config.augment)
        self._made: tuple[Tensor, list[Tensor]] | None = None

    def discriminator_loss(self, batch: Batch) -> Losses:
        self._made = self._translate(batch["a"])
        made = self._made[0].detach()
        scores = self.discriminator(torch.cat((self.augment(batch["b"]), self.augment(made)))).float()
        real, fake = scores.split([len(batch["b"]), len(made)])
        logs = {"score_real": real.mean(), "score_fake": fake.mean()}
        return Losses({"adversarial": self.adversarial.discriminator(real, fake, 0.0)}, logs)

    def generator_loss(self, batch: Batch) -> Losses:
        c = self.config
        found, self._made = self._made, None
        made, before = self._translate(batch["a"]) if found is None else found
        score = self.discriminator(self.augment(made)).float()
        terms = {
            "adversarial": self.adversarial.generator(score, score),
            "contrast": c.contrast * self._contrast(before, made),
        }
        if c.contrast_identity or c.identity:
            same, before = self._translate(batch["b"])
            if c.contrast_identity:
                terms["contrast_identity"] = c.contrast_identity * self._contrast(before, same)
            if c.identity:
                terms["identity"] = c.identity * (same - batch["b"]).abs().mean()
        return Losses(terms)

    def _translate(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Translations, float32, and the features of the images."""
        made, features = self._network.translate(images)
        return made.float(), features

    def _contrast(self, before: list[Tensor], translation: Tensor) -> Tensor:
        """Cross-entropy of finding, for places of the translation, the same place of the image, whose features are
        `before`, among others of it (equation 3)."""
        assert isinstance(self.generator, nn.ModuleDict)
        projection = self.generator["projection"]
        # the running statistics stay those of the images that are translated
        with statistics_kept(self._network):
            after = self._network.features(translation)
        places = [torch.randperm(f[0, 0].numel(), device=f.device)[: self.config.patches] for f in before]
        with torch.no_grad():
            keys = projection(before, places)
        queries = projection(after, places)
        total = torch.zeros((), device=translation.device)
        for query, key in zip(queries, keys, strict=True):
            likeness = query @ key.transpose(1, 2) / self.config.temperature
            target = torch.arange(likeness.shape[1], device=likeness.device).expand(len(likeness), -1)
            total = total + F.cross_entropy(likeness.flatten(0, 1), target.flatten())
        return total / len(keys)

    @property
    def _network(self) -> TranslatorNet:
        assert isinstance(self.generator, nn.ModuleDict)
        network = self.generator["a2b"]
        assert isinstance(network, TranslatorNet)
        return network

    def preview(self, generator: nn.Module) -> Tensor | None:
        assert isinstance(generator, nn.ModuleDict)
        return super().preview(nn.ModuleDict({"a2b": generator["a2b"]}))


def build_cut(config: CutConfig, channels: tuple[int, int]) -> Cut:
    """The game between domains of so many channels.

    Raises
    ------
    InputError : they differ.
    """
    if channels[0] != channels[1]:
        found = f"{channels[0]} channels in A and {channels[1]} in B"
        raise InputError("recipe cut", found, "the same number, or --recipe cyclegan")
    return Cut(config, channels)


GAMES.register("cut")(GameKind("translation", CutConfig, build_cut))
