"""Classifiers without an adversary: labelled images alone, pseudo-labels, mean teacher, FixMatch."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from neubauer.gan.config.semi_supervised import ControlConfig
from neubauer.gan.game import Batch, Losses
from neubauer.gan.games.classifier_game import ClassifierGame
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.nets.classifier import CellNet
from neubauer.nets.semi_supervised import Student


class ClassifierControl(ClassifierGame):
    """The classifier is the only player; `config.game` says what it does with unlabelled images.

    Parameters are those of `ClassifierGame`.
    """

    def __init__(self, config: ControlConfig, classifier: CellNet) -> None:
        super().__init__(config, classifier)
        self.config = config
        self.generator: Student = Student(classifier)
        self.views = {"supervised": (), "pseudo-label": ("strong",)}.get(config.game, self.views)

    @property
    def student(self) -> Student:
        return self.generator

    def generator_loss(self, batch: Batch) -> Losses:
        c = self.config
        self.update_teacher()
        if c.game == "supervised":
            return Losses({"supervised": F.cross_entropy(self.student(batch["labelled"])[0], batch["class"])})
        n = len(batch["labelled"])
        # in one pass, so that batch normalisation sees labelled and unlabelled images alike
        logits, _ = self.student(torch.cat([batch["labelled"], batch["strong"]]))
        found = Losses({"supervised": F.cross_entropy(logits[:n], batch["class"])})
        if c.game == "pseudo-label":
            found.terms["unlabelled"] = self.ramped_weight * pseudo_label_loss(logits[n:])
        elif c.game == "mean-teacher":
            taught = self.teach(batch["weak"])
            found.terms["unlabelled"] = self.ramped_weight * mean_teacher_loss(taught, logits[n:])
        else:
            more = self.consistency(batch, logits[n:], c.threshold)
            found = Losses(found.terms | more.terms, more.logs)
        return found


def pseudo_label_loss(logits: Tensor) -> Tensor:
    """Cross-entropy with the class that is the likeliest already. Lee, ICML workshops 2013, equation 15."""
    return F.cross_entropy(logits, logits.detach().argmax(1))


def mean_teacher_loss(taught: Tensor, logits: Tensor) -> Tensor:
    """Mean squared difference of the teacher's and the student's probabilities. Tarvainen & Valpola, NIPS 2017."""
    return (logits.softmax(1) - taught).square().mean()


def build_control(config: ControlConfig, network: CellNet, shape: tuple[int, int, int]) -> ClassifierControl:
    """The game; the shape of the images does not matter."""
    return ClassifierControl(config, network)


for _name in ("supervised", "pseudo-label", "mean-teacher", "fixmatch"):
    GAMES.register(_name)(GameKind("classifier", ControlConfig, build_control))
