"""What a run tells while it works, for a progress bar, a page or a plugin to show."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neubauer.progress import Progress


@dataclass(frozen=True)
class Note:
    """Something that people should know of, such as inputs that were left out."""

    text: str


@dataclass(frozen=True)
class Done:
    """An item is done, and its results are written; `row` is what the job says of it."""

    name: str
    path: Path
    row: dict[str, Any]


@dataclass(frozen=True)
class Failed:
    """An item could not be done; `reason` is one line that names the file."""

    name: str
    path: Path
    reason: str


Event = Note | Done | Failed | Progress
OnEvent = Callable[[Event], None]


def unheard(_event: Event) -> None:
    """For a run that nobody listens to."""
