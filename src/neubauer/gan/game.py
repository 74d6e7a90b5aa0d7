"""What a game is: its networks, and what each player minimises. Everything else is the trainer's business."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from torch import Tensor, nn

Batch = Mapping[str, Tensor]


@dataclass
class Losses:
    """What one player minimises in one step.

    Attributes
    ----------
    terms : scalars by name, weighted already; their sum is minimised.
    logs : further scalars by name that are only recorded (scores, probabilities). Detached tensors, never `.item()`:
        reading a number back makes the accelerator wait.
    """

    terms: dict[str, Tensor]
    logs: dict[str, Tensor] = field(default_factory=dict)


class Game(nn.Module, ABC):
    """Base of every game: a module with the submodules `generator` and, where there is an adversary, `discriminator`.

    Each may hold any networks (an `nn.ModuleDict` for a game with several); all parameters of the one are optimised by
    the one player, those of the other by the other. The trainer keeps a moving average of `generator`, which the
    methods that show or inspect samples get as an argument. Parameters outside of both are never trained.

    The discriminator's loss has to detach what the generator made (`torch.no_grad`, `Tensor.detach`); while the
    generator moves, the parameters of the discriminator do not require gradients. All random numbers have to come from
    PyTorch's global generator (or from the `rng` that the data gets): only then does a resumed run repeat them exactly.

    Attributes
    ----------
    step, steps : set by the trainer before every call of a loss: the steps done, and those of the whole run.
    """

    generator: nn.Module
    discriminator: nn.Module | None
    step: int = 0
    steps: int = 1

    def __init__(self) -> None:
        super().__init__()
        self.discriminator = None

    def discriminator_loss(self, batch: Batch) -> Losses:
        """What the discriminator minimises. Called once or several times per step, with a new batch each time."""
        raise NotImplementedError(f"{type(self).__name__} has a discriminator but no discriminator_loss")

    @abstractmethod
    def generator_loss(self, batch: Batch) -> Losses:
        """What the generator minimises. Called once per step, with the last batch that the discriminator saw."""

    def settle(self, generator: nn.Module, batches: Iterable[Batch]) -> None:
        """Learn the running statistics of an averaged generator from training batches, in place.

        An average of the statistics of many generators does not fit the average of their weights: where these differ,
        it is too wide, and what a sample has of its own is damped. By default that average is kept.
        """

    def preview(self, generator: nn.Module) -> Tensor | None:
        """Pictures that show a person how training goes, (N, C, Y, X) in [-1, 1]; None: nothing to show.

        The same inputs every time, so that pictures can be compared. No gradients, evaluation mode.
        """
        return None

    def sample(self, generator: nn.Module, n: int) -> Tensor | None:
        """`n` generated items for the monitor to compare with the training items; None: not comparable."""
        return None

    def sample_classes(self, n: int) -> Tensor | None:
        """Classes (n,) of what `sample` makes, as in the `class` of a batch; None: it does not know any."""
        return None

    def score(self, batch: Batch) -> Tensor | None:
        """The discriminator's scores of the real items of `batch`, (N, ...), for the monitor; None: no such scores."""
        return None

    def score_generated(self, generator: nn.Module, n: int) -> Tensor | None:
        """The discriminator's scores of `n` generated items, (N, ...), for the monitor; None: no such scores."""
        return None


class TrainingData(Protocol):
    """What a run is trained on."""

    def __len__(self) -> int:
        """Number of items in one epoch."""

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """The items with these indices as named tensors.

        A pure function of its arguments: whatever is drawn (crops, simulated populations) is drawn from `rng`, which
        depends only on the run's seed, the process and the number of the batch. That is what makes the place in the
        data resumable without a state.
        """
