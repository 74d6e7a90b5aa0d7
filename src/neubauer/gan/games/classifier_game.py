"""What the games have in common that train a classifier on few labelled and many unlabelled images."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from neubauer.gan.game import Game, Losses
from neubauer.gan.semi_supervised_config import SemiSupervisedConfig
from neubauer.nets.classifier import CellNet
from neubauer.nets.semi_supervised import Student

PROJECTED = 64
REPORT_EVERY = 50


class ClassifierGame(Game):
    """A classifier and the moving average of its weights.

    Batches: `labelled` (L, C, Y, X) and `class` (L,); `weak`, `strong` (N, C, Y, X): unlabelled images, augmented in
    two ways.

    Attributes
    ----------
    student : what is trained; the sub-class makes it one of its players.
    teacher : the average of its classifier; it is the result of the training.
    views : which views of the unlabelled images the game looks at.
    on_step : called with the number of steps done, every 50 steps.
    """

    teacher: CellNet
    marginal: Tensor
    views: tuple[str, ...] = ("weak", "strong")
    on_step: Callable[[int], None] | None = None

    def __init__(self, config: SemiSupervisedConfig, classifier: CellNet) -> None:
        super().__init__()
        self.settings = config
        self.teacher = copy.deepcopy(classifier).requires_grad_(False)
        classes = classifier.head.out_features
        self.register_buffer("marginal", torch.full((classes,), 1 / classes))

    @property
    @abstractmethod
    def student(self) -> Student:
        """The player that holds the classifier."""

    @torch.no_grad()
    def update_teacher(self) -> None:
        """Take the weights after the last step in; to be called once per step."""
        if self.on_step is not None and self.step % REPORT_EVERY == 0:
            self.on_step(self.step)
        decay = min(self.settings.average, (1 + self.step) / (10 + self.step))
        theirs = self.student.classifier.state_dict().values()
        for mine, new in zip(self.teacher.state_dict().values(), theirs, strict=True):
            if mine.is_floating_point():
                mine.lerp_(new, 1 - decay)
            else:
                mine.copy_(new)

    @torch.no_grad()
    def teach(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Class probabilities (N, K) and features (N, hidden) that the teacher gives.

        The probabilities are aligned (Berthelot et al., ICLR 2020, section 3.1): a class that is given often counts
        less, as far as `alignment` says. Else classes that are told apart with difficulty vanish from the teaching.
        """
        features = self.teacher.eval().features(x)
        taught = self.teacher.head(features).float().softmax(1)
        self.marginal.lerp_(taught.mean(0), 0.01)
        aligned = taught / self.marginal**self.settings.alignment
        return aligned / aligned.sum(1, keepdim=True), features

    def consistency(self, weak: Tensor, logits: Tensor, features: Tensor, threshold: float) -> Losses:
        """FixMatch's loss and, if wanted, the contrastive one, of the student's answers to strongly augmented images.

        Parameters
        ----------
        weak : (N, C, Y, X) the same images, weakly augmented.
        logits, features : (N, K) and (N, hidden) of the student.
        threshold : see `fixmatch_loss`.
        """
        taught, known = self.teach(weak)
        loss, used = fixmatch_loss(taught, logits, threshold)
        terms = {"consistency": self.ramped_weight * loss}
        if self.settings.contrast:
            with torch.no_grad():
                keys = self.student.project(known)
            nearness = contrastive_loss(self.student.project(features), keys, self.settings.temperature)
            terms["contrast"] = self.settings.contrast * nearness
        return Losses(terms, {"used": used})

    @property
    def ramped_weight(self) -> float:
        """Weight of the unlabelled images' classes at this step."""
        ramp = self.settings.ramp
        t = min(1.0, self.step / (ramp * self.steps)) if ramp else 1.0
        return self.settings.weight * math.exp(-5 * (1 - t) ** 2)


def fixmatch_loss(taught: Tensor, logits: Tensor, threshold: float) -> tuple[Tensor, Tensor]:
    """Cross-entropy with the teacher's class where it is sure, 0 elsewhere; and the share of images where it is.

    Sohn et al., NeurIPS 2020, equation 4.

    Parameters
    ----------
    taught : (N, K) probabilities of the weakly augmented images.
    logits : (N, K) of the strongly augmented ones.
    """
    sure, pseudo = taught.max(1)
    mask = (sure >= threshold).float()
    return (F.cross_entropy(logits, pseudo, reduction="none") * mask).mean(), mask.mean()


def contrastive_loss(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of finding each query's own key among all keys. InfoNCE: van den Oord et al. 2018; He et al., CVPR
    2020, equation 1.

    Parameters
    ----------
    queries, keys : (N, P) of length 1; keys are targets.
    """
    target = torch.arange(len(keys), device=keys.device)
    return F.cross_entropy(queries @ keys.T / temperature, target)
