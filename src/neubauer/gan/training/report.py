"""How a run ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from neubauer.errors import NeubauerError
from neubauer.gan.training.monitor import Alarm


class TrainingDiverged(NeubauerError):
    """The numbers of a run left all bounds; the message says what to change. The last checkpoint is kept."""


@dataclass
class Report:
    """How a run ended: `reason` is `finished` or `interrupted`."""

    reason: str
    step: int
    seconds: float
    items_per_second: float
    alarms: list[Alarm] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
