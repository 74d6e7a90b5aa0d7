"""Unpaired images, both ways at once: what goes there and back has to be what it was."""

from __future__ import annotations

from torch import Tensor, nn

from neubauer.gan.augment import Augment
from neubauer.gan.config.translation import CycleGanConfig
from neubauer.gan.game import Batch, Losses
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.gan.games.translation import Translation
from neubauer.gan.losses import LOSSES
from neubauer.gan.regularizers import spectral_norm
from neubauer.nets.patch import PatchDiscriminator


class CycleGan(Translation):
    """Zhu et al., ICCV 2017.

    Batches: `a` (N, C, Y, X) and `b` (N, C', Y, X) in [-1, 1], which have nothing to do with each other.

    Parameters
    ----------
    config : the recipe.
    channels : C and C'.
    """

    def __init__(self, config: CycleGanConfig, channels: tuple[int, int]) -> None:
        super().__init__()
        self.config = config
        self.adversarial = LOSSES[config.loss]
        a, b = channels
        self.generator = nn.ModuleDict({"a2b": self.translator(config, a, b), "b2a": self.translator(config, b, a)})
        critics = nn.ModuleDict({name: PatchDiscriminator(n, config.critic_widths) for name, n in (("b", b), ("a", a))})
        if config.spectral_norm:
            spectral_norm(critics)
        self.discriminator: nn.Module = critics
        self.augment = Augment(config.augment)
        self._made: dict[str, Tensor] = {}

    def discriminator_loss(self, batch: Batch) -> Losses:
        self._made = {way: self.translate(batch[way[0]], way) for way in ("a2b", "b2a")}
        terms: dict[str, Tensor] = {}
        logs: dict[str, Tensor] = {}
        for way, made in self._made.items():
            real, fake = (self._judge(x, way[2]) for x in (batch[way[2]], made.detach()))
            terms[way] = 0.5 * self.adversarial.discriminator(real, fake, 0.0)
            logs |= {f"score_real_{way[2]}": real.mean(), f"score_fake_{way[2]}": fake.mean()}
        return Losses(terms, logs)

    def generator_loss(self, batch: Batch) -> Losses:
        made, self._made = self._made, {}
        if not made:
            made = {way: self.translate(batch[way[0]], way) for way in ("a2b", "b2a")}
        terms = {}
        for way, back in (("a2b", "b2a"), ("b2a", "a2b")):
            here, there = batch[way[0]], made[way]
            score = self._judge(there, way[2])
            terms[f"adversarial_{way}"] = self.adversarial.generator(score, score)
            terms[f"cycle_{way[0]}"] = self.config.cycle * (self.translate(there, back) - here).abs().mean()
            if self.config.identity and here.shape[1] == there.shape[1]:
                same = self.translate(batch[way[2]], way)
                terms[f"identity_{way[2]}"] = self.config.identity * (same - batch[way[2]]).abs().mean()
        return Losses(terms)

    def _judge(self, x: Tensor, domain: str) -> Tensor:
        assert isinstance(self.discriminator, nn.ModuleDict)
        return self.discriminator[domain](self.augment(x)).float()


GAMES.register("cyclegan")(GameKind("translation", CycleGanConfig, CycleGan))
