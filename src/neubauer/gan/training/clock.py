"""When a training shows something, by the clock: who waits wants to see soon whether it learns, however slow it is."""

from __future__ import annotations

import time

FIRST, EVERY = 40.0, 110.0
"""Seconds until the first picture and between two: what is drawn then is there within a minute, and two."""
SHARE = 0.1
"""Of the time that may go into pictures."""


class PictureClock:
    """Says when a picture is due."""

    def __init__(self) -> None:
        self._next = time.monotonic() + FIRST

    def due(self) -> bool:
        """Whether it is time."""
        return time.monotonic() >= self._next

    def shown(self, took: float) -> None:
        """A picture has been made, in so many seconds; after slow ones the next one waits longer."""
        self._next = time.monotonic() + max(EVERY, took / SHARE)
