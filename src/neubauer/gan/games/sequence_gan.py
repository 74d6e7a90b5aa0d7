"""Noise (and a class) to sequence, against a critic: the game of images with another pair of networks."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neubauer.errors import InputError
from neubauer.gan import regularizers
from neubauer.gan.config.sequence import SequenceGanConfig
from neubauer.gan.data.sequences import SequenceData
from neubauer.gan.game import Batch, Losses
from neubauer.gan.games.image_gan import NoiseToImage
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.gan.losses import LOSSES
from neubauer.nets.conditional import Discriminator, Verdict
from neubauer.nets.sequence import MarkovDraft, ResidualBackbone, ResidualGenerator

PREVIEWS = 40
MOST_KMERS = 4096


class SequenceGan(NoiseToImage):
    """Generator against critic as `SequenceGanConfig` says.

    Batches: `sequence` (N, A, L), shares of the letters at each position, and, with classes, `class` (N,). The class
    enters the critic by projection (Miyato & Koyama, ICLR 2018).

    Parameters
    ----------
    config : the recipe.
    letters, length : A and L.
    classes : number of classes, 0 for none.

    Raises
    ------
    InputError : more k-mers to match than fit into memory.
    """

    spectrum: Tensor

    def __init__(self, config: SequenceGanConfig, letters: int, length: int, classes: int = 0) -> None:
        super().__init__(config.latent, classes)
        self.config = config
        self.adversarial = LOSSES[config.loss]
        self.generator = ResidualGenerator(letters, length, config.latent, classes, **config.generator.model_dump())
        backbone = ResidualBackbone(letters, length, **config.discriminator.model_dump())
        self.discriminator: nn.Module = Discriminator(backbone, classes, "projection" if classes else "none")

        kmers = letters**config.spectrum_k if config.spectrum else 0
        if kmers > MOST_KMERS:  # each of them at each position of each sequence has to fit into memory
            raise InputError(
                "spectrum_k", f"{kmers} k-mers", f"at most {MOST_KMERS}: lower spectrum_k, or spectrum = 0"
            )
        self.register_buffer("spectrum", torch.zeros(kmers))

    def prepare(self, data: SequenceData) -> None:
        """Take from the training sequences what the networks do not learn: the draft's Markov chain, and the k-mers to
        be matched.

        Raises
        ------
        InputError : sequences that are not longer than the draft's order, or shorter than the k-mers.
        """
        c, length, draft = self.config, data.shares.shape[2], self.generator.draft
        if isinstance(draft, MarkovDraft):
            if length <= draft.order:
                raise InputError("generator.draft", str(draft.order), f"less than the sequences' length, {length}")
            labels = None if data.labels is None else torch.from_numpy(data.labels)
            draft.fit(torch.from_numpy(data.shares.argmax(1)), labels)
        if c.spectrum:
            if length < c.spectrum_k:
                raise InputError("spectrum_k", str(c.spectrum_k), f"at most the sequences' length, {length}")
            parts = torch.from_numpy(data.shares).split(256)
            counted = torch.stack([expected_kmers(part, c.spectrum_k) * len(part) for part in parts])
            self.spectrum.copy_(counted.sum(0) / len(data))

    def discriminator_loss(self, batch: Batch) -> Losses:
        c, real, label = self.config, batch["sequence"], self._label(batch)
        with torch.no_grad():
            fake = self._generate(batch)
        on_both = self._judge(torch.cat((real, fake)), None if label is None else torch.cat((label, label))).score
        on_real, on_fake = on_both.chunk(2)
        terms = {"adversarial": self.adversarial.discriminator(on_real, on_fake, 0.0)}
        if c.gradient_penalty and self.step % c.penalty_every == 0:
            penalty = regularizers.gradient_penalty(lambda x: self._judge(x, label).score, real, fake)
            terms["gradient_penalty"] = c.gradient_penalty * c.penalty_every * penalty
        return Losses(terms, {"score_real": on_real.mean(), "score_fake": on_fake.mean()})

    def generator_loss(self, batch: Batch) -> Losses:
        c, real, label = self.config, batch["sequence"], self._label(batch)
        fake = self._generate(batch)
        on_fake = self._judge(fake, label).score
        on_real = self._judge(real, label).score if self.adversarial.pairs else on_fake
        terms = {"adversarial": self.adversarial.generator(on_fake, on_real)}
        if c.spectrum:
            terms["spectrum"] = c.spectrum * spectrum_loss(self.spectrum, fake, c.spectrum_k)
        return Losses(terms)

    def preview(self, generator: nn.Module) -> Tensor:
        """One picture: a row per sequence, a colour per letter."""
        shares = generator(*self.draw(PREVIEWS, torch.Generator().manual_seed(0)))
        picture = 2 * shares.permute(1, 0, 2)[None] - 1
        return picture.repeat_interleave(4, 2).repeat_interleave(2, 3)

    def sample(self, generator: nn.Module, n: int) -> Tensor:
        """The most likely letter at each position, one-hot (n, A, L)."""
        shares = super().sample(generator, n)
        return F.one_hot(shares.argmax(1), shares.shape[1]).transpose(1, 2).float()

    def score(self, batch: Batch) -> Tensor:
        return self._judge(batch["sequence"].to(next(self.parameters()).device), self._label(batch)).score

    def score_generated(self, generator: nn.Module, n: int) -> Tensor:
        z, label = self.draw(n)
        return self._judge(generator(z, label), label).score

    def _generate(self, batch: Batch) -> Tensor:
        """As many as the batch has items, with the classes of its items."""
        return self.generator(*self._latents(batch))

    def _judge(self, x: Tensor, label: Tensor | None) -> Verdict:
        verdict = self.discriminator(x, label)
        return verdict._replace(score=verdict.score.float())


def expected_kmers(shares: Tensor, k: int) -> Tensor:
    """Mean frequency of each k-mer in sequences of letter shares (N, A, L), neighbouring letters taken as independent;
    (A^k,), exact for one-hot sequences and differentiable for all."""
    n = shares.shape[2] - k + 1
    joint = shares[:, :, :n]
    for i in range(1, k):
        joint = (joint[:, :, None] * shares[:, None, :, i : i + n]).flatten(1, 2)
    return joint.mean((0, 2))


def spectrum_loss(real: Tensor, fake: Tensor, k: int) -> Tensor:
    """Squared difference of k-mer frequencies, (A^k,), and those of a batch of letter shares (N, A, L), over what
    independent letters of equal frequency have. The explicit features of the spectrum kernel (Leslie et al., PSB
    2002), matched in their mean."""
    return (expected_kmers(fake.float(), k) - real).square().sum() * len(real)


GAMES.register("sequence-gan")(GameKind("sequences", SequenceGanConfig, SequenceGan))
