"""Noise (and a class) to image, against a discriminator: one game for every loss, regulariser and network of the
recipes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import torch
from torch import Tensor, nn

from neubauer.errors import InputError
from neubauer.gan import regularizers
from neubauer.gan.augment import Augment
from neubauer.gan.config.image import ImageGanConfig
from neubauer.gan.game import Batch, Game, Losses
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.gan.losses import CLASS_LOSSES, LOSSES
from neubauer.nets.blocks import learn_statistics
from neubauer.nets.conditional import Verdict
from neubauer.nets.registry import build_discriminator, build_generator
from neubauer.nets.shapes import ImageShape

PREVIEWS = 36


class NoiseToImage(Game):
    """What the games have in common that make images from noise: drawing latents, classes and samples.

    Parameters
    ----------
    latent : length of the latent vector.
    classes : number of classes that the generator knows, 0 for none.
    """

    def __init__(self, latent: int, classes: int) -> None:
        super().__init__()
        self.latent, self.classes = latent, classes

    def draw(self, n: int, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor | None]:
        """Latents (n, L), and classes (n,) where there are classes: all in turn."""
        device = next(self.parameters()).device
        z = torch.randn(n, self.latent, generator=generator).to(device)
        label = self.sample_classes(n)
        return z, None if label is None else label.to(device)

    def sample_classes(self, n: int) -> Tensor | None:
        return torch.arange(n) % self.classes if self.classes else None

    def settle(self, generator: nn.Module, batches: Iterable[Batch]) -> None:
        learn_statistics(generator, (partial(self._pass, generator, batch) for batch in batches))

    def _pass(self, generator: nn.Module, batch: Batch) -> None:
        generator(*self._latents(batch))

    def _latents(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        """As many latents as the batch has items, with the classes of its items."""
        items = next(iter(batch.values()))
        return torch.randn(len(items), self.latent, device=items.device), self._label(batch)

    def _label(self, batch: Batch) -> Tensor | None:
        return batch["class"].to(next(self.parameters()).device) if self.classes else None

    def preview(self, generator: nn.Module) -> Tensor:
        return generator(*self.draw(PREVIEWS, torch.Generator().manual_seed(0)))

    def sample(self, generator: nn.Module, n: int) -> Tensor:
        z, label = self.draw(n)
        parts = range(0, n, 128)
        return torch.cat(
            [generator(z[i : i + 128], None if label is None else label[i : i + 128]).float() for i in parts]
        )


class ImageGan(NoiseToImage):
    """Generator against discriminator as `ImageGanConfig` says.

    Batches: `image` (N, C, Y, X) in [-1, 1] and, with conditioning, `class` (N,).

    Parameters
    ----------
    config : the recipe.
    shape : (C, Y, X) of the images.
    classes : number of classes of the data; used only with conditioning.
    """

    def __init__(self, config: ImageGanConfig, shape: ImageShape, classes: int = 0) -> None:
        conditioning = config.conditioning
        if conditioning == "auto":
            conditioning = "discriminative" if classes > 1 else "none"
        known = classes if conditioning != "none" else 0
        super().__init__(config.latent, known)
        self.config = config
        self.adversarial = LOSSES[config.loss]
        self.of_classes = CLASS_LOSSES.get(conditioning)
        g, d = dict(config.generator), dict(config.discriminator)
        self.generator = build_generator(g.pop("net"), shape, config.latent, known, g)
        self.discriminator: nn.Module = build_discriminator(d.pop("net"), shape, known, conditioning, d)
        if config.spectral_norm:
            regularizers.spectral_norm(self.discriminator)
        self.augment = Augment(config.augment)
        # with one move each, both players look at the same images: that saves one of the generator's forward passes
        self.shares_fakes = config.training.discriminator_steps == 1
        self._fake: Tensor | None = None

    def discriminator_loss(self, batch: Batch) -> Losses:
        c = self.config
        label = self._label(batch)
        with torch.set_grad_enabled(self.shares_fakes):
            self._fake = self.generator(*self._latents(batch)).float()
        due = self.step % c.penalty_every == 0
        real, fake = (self._as_seen(x).detach() for x in (batch["image"], self._fake.detach()))
        real.requires_grad_(due and c.r1 > 0)
        fake.requires_grad_(due and c.r2 > 0)
        on_real, on_fake = self._judge(real, label), self._judge(fake, label)
        terms = {"adversarial": self.adversarial.discriminator(on_real.score, on_fake.score, c.label_smoothing)}
        if due and c.r1:
            terms["r1"] = c.r1 * c.penalty_every * regularizers.zero_centred_penalty(on_real.score, real)
        if due and c.r2:
            terms["r2"] = c.r2 * c.penalty_every * regularizers.zero_centred_penalty(on_fake.score, fake)
        if due and c.gradient_penalty:
            penalty = regularizers.gradient_penalty(lambda x: self._judge(x, label).score, real.detach(), fake.detach())
            terms["gradient_penalty"] = c.gradient_penalty * c.penalty_every * penalty
        if self.of_classes is not None:
            found = self.of_classes.discriminator(_logits(on_real), _logits(on_fake), batch["class"])
            terms["auxiliary"] = c.auxiliary * found
        if self.adversarial.threshold is not None:
            self.augment.observe(on_real.score, self.adversarial.threshold)
        logs = {"score_real": on_real.score.mean(), "score_fake": on_fake.score.mean()}
        if c.augment.adaptive:
            logs["augmentation"] = self.augment.probability.clone()
        return Losses(terms, logs)

    def generator_loss(self, batch: Batch) -> Losses:
        c = self.config
        label = self._label(batch)
        fake, self._fake = self._fake, None
        if fake is None or not self.shares_fakes:
            fake = self.generator(*self._latents(batch)).float()
        on_fake = self._judge(self._as_seen(fake), label)
        if self.adversarial.pairs or c.feature_matching:
            on_real = self._judge(self._as_seen(batch["image"]), label)
        else:
            on_real = on_fake  # this loss does not look at real items
        terms = {"adversarial": self.adversarial.generator(on_fake.score, on_real.score)}
        if c.feature_matching:
            matching = regularizers.feature_matching(on_real.features, on_fake.features)
            terms["feature_matching"] = c.feature_matching * matching
        if c.mode_seeking and label is not None:
            terms["mode_seeking"] = c.mode_seeking * regularizers.mode_seeking(batch["image"], fake, label)
        if self.of_classes is not None:
            terms["auxiliary"] = c.auxiliary * self.of_classes.generator(_logits(on_fake), batch["class"])
        return Losses(terms)

    def score(self, batch: Batch) -> Tensor:
        return self._judge(batch["image"].to(next(self.parameters()).device), self._label(batch)).score

    def score_generated(self, generator: nn.Module, n: int) -> Tensor:
        z, label = self.draw(n)
        return self._judge(generator(z, label).float(), label).score

    def _judge(self, x: Tensor, label: Tensor | None) -> Verdict:
        verdict = self.discriminator(x, label)
        return verdict._replace(score=verdict.score.float())

    def _as_seen(self, x: Tensor) -> Tensor:
        """What the discriminator gets to see of images: augmented, with noise."""
        return regularizers.instance_noise(self.augment(x), self.config.instance_noise * (1 - self.step / self.steps))


def _logits(verdict: Verdict) -> Tensor:
    assert verdict.class_logits is not None
    return verdict.class_logits.float()


def build_image_gan(config: ImageGanConfig, shape: tuple[int, int, int], classes: int = 0) -> ImageGan:
    """The game for images (C, Y, X) of so many classes.

    Raises
    ------
    InputError : the recipe needs classes and there are fewer than two.
    """
    if config.conditioning not in ("none", "auto") and classes < 2:
        expected = "at least 2: one sub-folder of images per class, or `classes`"
        raise InputError(f"recipe {config.recipe}", f"{classes} classes", expected)
    return ImageGan(config, shape, classes)


GAMES.register("image-gan")(GameKind("images", ImageGanConfig, build_image_gan))
