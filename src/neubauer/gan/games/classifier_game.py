"""What the games have in common that train a classifier on few labelled and many unlabelled images."""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from neubauer.gan.config.semi_supervised import SemiSupervisedConfig
from neubauer.gan.game import Batch, Game, Losses
from neubauer.nets.classifier import CellNet
from neubauer.nets.semi_supervised import Student

REPORT_EVERY = 50


class ClassifierGame(Game):
    """A classifier and the moving average of its weights.

    Batches: `labelled` (L, C, Y, X) and `class` (L,); `weak`, `strong` (N, C, Y, X): unlabelled images, augmented in
    two ways.

    Parameters
    ----------
    config : the recipe.
    classifier : the network that is wanted: (N, C, Y, X) -> logits (N, K).

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
    def teach(self, x: Tensor) -> Tensor:
        """Class probabilities (N, K) that the teacher gives.

        They are aligned (Berthelot et al., ICLR 2020, section 3.1): a class that is given often counts less, as far as
        `alignment` says. Else classes that are told apart with difficulty vanish from the teaching.
        """
        taught = self.teacher.eval()(x).float().softmax(1)
        self.marginal.lerp_(taught.mean(0), 0.01)
        aligned = taught / self.marginal**self.settings.alignment
        return aligned / aligned.sum(1, keepdim=True)

    def consistency(self, batch: Batch, logits: Tensor, threshold: float) -> Losses:
        """FixMatch's loss of the student's logits (N, K) for `batch["strong"]`; see `fixmatch_loss`."""
        loss, used = fixmatch_loss(self.teach(batch["weak"]), logits, threshold)
        return Losses({"consistency": self.ramped_weight * loss}, {"used": used})

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
