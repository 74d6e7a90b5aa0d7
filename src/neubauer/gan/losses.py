"""Adversarial losses as pure functions of the discriminator's raw scores.

A score is positive where the discriminator takes its input for real; scores may have any shape (one per item, or a map
per item). Every loss is a pair: what the discriminator minimises, from the scores of real and of generated items, and
what the generator minimises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class AdversarialLoss:
    """The two sides of an adversarial loss.

    Attributes
    ----------
    discriminator : (real scores, fake scores, label smoothing) -> scalar.
    generator : (fake scores, real scores) -> scalar.
    has_labels : scores are compared with target labels, so that these can be smoothed.
    pairs : real and generated items are compared one by one: the generator's loss needs the scores of real items too.
    threshold : the score at which real and fake are equally likely; None where only differences of scores have a
        meaning.
    """

    discriminator: Callable[[Tensor, Tensor, float], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]
    has_labels: bool = False
    pairs: bool = False
    threshold: float | None = None


def cross_entropy_discriminator(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """-(1 - s) log D(x) - s log(1 - D(x)) - log(1 - D(G(z))), with D = sigmoid(score) and one-sided smoothing s.

    Goodfellow et al., NIPS 2014; smoothing: Salimans et al., NIPS 2016, section 3.4.
    """
    return F.softplus(-real).mean() + smoothing * real.mean() + F.softplus(fake).mean()


def nonsaturating_generator(fake: Tensor, real: Tensor) -> Tensor:
    """-log D(G(z)). Goodfellow et al. 2014, section 3."""
    return F.softplus(-fake).mean()


def minimax_generator(fake: Tensor, real: Tensor) -> Tensor:
    """log(1 - D(G(z))): equation 1 of Goodfellow et al. 2014; saturates where the discriminator is sure."""
    return -F.softplus(fake).mean()


def least_squares_discriminator(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """((D(x) - 1 + s)^2 + D(G(z))^2) / 2. Mao et al., ICCV 2017, equation 9."""
    return 0.5 * ((real - 1 + smoothing).square().mean() + fake.square().mean())


def least_squares_generator(fake: Tensor, real: Tensor) -> Tensor:
    """(D(G(z)) - 1)^2 / 2. Mao et al. 2017, equation 9."""
    return 0.5 * (fake - 1).square().mean()


def hinge_discriminator(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """max(0, 1 - D(x)) + max(0, 1 + D(G(z))). Lim & Ye 2017; Miyato et al., ICLR 2018, equation 16."""
    return F.relu(1 - real).mean() + F.relu(1 + fake).mean()


def wasserstein_discriminator(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """D(G(z)) - D(x). Arjovsky et al., ICML 2017; needs a Lipschitz constraint (`regularizers.gradient_penalty`)."""
    return fake.mean() - real.mean()


def wasserstein_generator(fake: Tensor, real: Tensor) -> Tensor:
    """-D(G(z)). Arjovsky et al. 2017."""
    return -fake.mean()


def relativistic_discriminator(real: Tensor, fake: Tensor, smoothing: float = 0.0) -> Tensor:
    """-log sigmoid(D(x) - D(G(z))), item by item. Jolicoeur-Martineau 2018; with R1 and R2: Huang et al., NeurIPS
    2024."""
    return F.softplus(fake - real).mean()


def relativistic_generator(fake: Tensor, real: Tensor) -> Tensor:
    """-log sigmoid(D(G(z)) - D(x)), item by item. Huang et al. 2024, equation 2."""
    return F.softplus(real - fake).mean()


LOSSES: dict[str, AdversarialLoss] = {
    "nonsaturating": AdversarialLoss(
        cross_entropy_discriminator, nonsaturating_generator, has_labels=True, threshold=0.0
    ),
    "minimax": AdversarialLoss(cross_entropy_discriminator, minimax_generator, has_labels=True, threshold=0.0),
    "least-squares": AdversarialLoss(
        least_squares_discriminator, least_squares_generator, has_labels=True, threshold=0.5
    ),
    "hinge": AdversarialLoss(hinge_discriminator, wasserstein_generator, threshold=0.0),
    "wasserstein": AdversarialLoss(wasserstein_discriminator, wasserstein_generator),
    "relativistic": AdversarialLoss(relativistic_discriminator, relativistic_generator, pairs=True),
}


@dataclass(frozen=True)
class ClassLoss:
    """The two sides of the loss of a classifier in the discriminator.

    Attributes
    ----------
    discriminator : (logits of real items, of generated ones, classes (N,) of both) -> scalar.
    generator : (logits of generated items, classes) -> scalar.
    """

    discriminator: Callable[[Tensor, Tensor, Tensor], Tensor]
    generator: Callable[[Tensor, Tensor], Tensor]


def auxiliary_discriminator(real: Tensor, fake: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of the classes of real items, (N, K) logits. Odena et al., ICML 2017."""
    return F.cross_entropy(real, label)


def auxiliary_generator(fake: Tensor, label: Tensor) -> Tensor:
    """The same of generated items; least where all are typical of their class, so diversity suffers."""
    return F.cross_entropy(fake, label)


def discriminative_discriminator(real: Tensor, fake: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of 2 K classes: K of real items, then K of generated ones. Hou et al., ICML 2022 (ADC-GAN)."""
    return F.cross_entropy(real, label) + F.cross_entropy(fake, label + fake.shape[1] // 2)


def discriminative_generator(fake: Tensor, label: Tensor) -> Tensor:
    """-log of the probability that an item is real, among items of its class: the non-saturating form of Hou et al.'s
    log-odds, which go on pulling at items that are taken for real already."""
    of_real, of_fake = (logits.gather(1, label[:, None]) for logits in fake.chunk(2, 1))
    return F.softplus(of_fake - of_real).mean()


CLASS_LOSSES: dict[str, ClassLoss] = {
    "auxiliary": ClassLoss(auxiliary_discriminator, auxiliary_generator),
    "discriminative": ClassLoss(discriminative_discriminator, discriminative_generator),
}
"""By the discriminator's conditioning, where that has a classifier."""
