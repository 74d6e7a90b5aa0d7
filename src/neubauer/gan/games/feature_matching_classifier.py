"""The discriminator as classifier: K logits against an image generator that matches features."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from neubauer.gan.config.semi_supervised import AdversarialClassifierConfig
from neubauer.gan.game import Batch, Losses
from neubauer.gan.games.classifier_game import ClassifierGame
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.gan.regularizers import feature_matching
from neubauer.nets.classifier import CellNet
from neubauer.nets.registry import build_generator
from neubauer.nets.semi_supervised import Student, realness, statistics_kept
from neubauer.nets.shapes import ImageShape

PREVIEWS = 36


class FeatureMatchingClassifier(ClassifierGame):
    """Salimans et al., NIPS 2016, sections 3.1 and 5.

    The classifier learns the classes of labelled images and, by the log-sum-exp of the same logits, to tell
    unlabelled images from generated ones. The generator makes the mean features of its images those of real ones,
    rather than images that pass for real.

    Parameters
    ----------
    config, classifier : see `ClassifierGame`; the discriminator is the classifier with noise.
    shape : (C, Y, X) of the images.
    """

    views: tuple[str, ...] = ("weak",)

    def __init__(self, config: AdversarialClassifierConfig, classifier: CellNet, shape: ImageShape) -> None:
        super().__init__(config, classifier)
        self.config = config
        g = dict(config.image_generator)
        self.generator = build_generator(g.pop("net"), shape, config.latent, 0, g)
        self.discriminator: Student = Student(classifier, config.input_noise, config.layer_noise)
        self._fake: Tensor | None = None
        self._real_features: Tensor | None = None

    @property
    def student(self) -> Student:
        return self.discriminator

    def discriminator_loss(self, batch: Batch) -> Losses:
        self.update_teacher()
        real = batch["weak"][: self.config.generated_batch]  # as many as generated ones
        logits, features = self.student(torch.cat([batch["labelled"], real, *self.more_images(batch)]))
        n, m = len(batch["labelled"]), len(batch["labelled"]) + len(real)
        self._real_features = features[n:m].detach()
        self._fake = self.generator(self._latents()).float()
        with statistics_kept(self.student):
            fake = self.student(self._fake.detach())[0]
        on_real, on_fake = realness(logits[n:m]), realness(fake)
        # -log D(x) - log(1 - D(G(z))), halved like the paper's
        adversarial = 0.5 * (F.softplus(-on_real).mean() + F.softplus(on_fake).mean())
        terms = {
            "supervised": F.cross_entropy(logits[:n], batch["class"]),
            "adversarial": self.config.adversarial * adversarial,
        }
        logs = {"score_real": on_real.mean().detach(), "score_fake": on_fake.mean().detach()}
        found = self.more_terms(batch, logits[m:])
        return Losses(terms | found.terms, logs | found.logs)

    def generator_loss(self, batch: Batch) -> Losses:
        fake, real, self._fake, self._real_features = self._fake, self._real_features, None, None
        assert fake is not None
        assert real is not None
        with statistics_kept(self.student):
            return Losses({"feature_matching": feature_matching(real, self.student(fake)[1])})

    def more_images(self, batch: Batch) -> list[Tensor]:
        """Further images to classify in the same pass."""
        return []

    def more_terms(self, batch: Batch, logits: Tensor) -> Losses:
        """What the classifier minimises beside, given the logits of `more_images`."""
        return Losses({})

    def preview(self, generator: nn.Module) -> Tensor:
        z = torch.randn(PREVIEWS, self.config.latent, generator=torch.Generator().manual_seed(0))
        return generator(z.to(next(generator.parameters()).device))

    def _latents(self) -> Tensor:
        device = next(self.generator.parameters()).device
        return torch.randn(self.config.generated_batch, self.config.latent, device=device)


GAMES.register("feature-matching")(GameKind("classifier", AdversarialClassifierConfig, FeatureMatchingClassifier))
