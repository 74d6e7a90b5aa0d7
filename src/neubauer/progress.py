"""How far something long has come, and how it is shown: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from dataclasses import dataclass
from types import TracebackType
from typing import Self

EVERY = 30.0
"""Seconds between two plain lines where the output is no terminal: half of the minute that is promised, so that a busy
machine keeps it."""


@dataclass(frozen=True)
class Progress:
    """How far something has come.

    Attributes
    ----------
    done, total : items or steps, failed ones among those that are done.
    elapsed : seconds since the start.
    before : of those done, how many were done before the start, by an earlier call.
    failed : of those done, how many failed.
    """

    done: int
    total: int
    elapsed: float
    before: int = 0
    failed: int = 0

    @property
    def rate(self) -> float | None:
        """Items per second since the start; None while nothing is known."""
        new = self.done - self.before
        return new / self.elapsed if new > 0 and self.elapsed > 0 else None

    @property
    def left(self) -> float | None:
        """Seconds that the rest takes at this rate; None while nothing is known."""
        return None if self.rate is None else max(self.total - self.done, 0) / self.rate

    def text(self, unit: str) -> str:
        """As words: `12 of 100 images, 1 failed, 3.2 images/min, 27 min left`; of something whose end is not known
        (a total of 0) `3 min so far`."""
        if not self.total:
            return f"{duration(self.elapsed)} so far"
        parts = [f"{self.done} of {self.total} {unit}"]
        if self.failed:
            parts.append(f"{self.failed} failed")
        if self.rate is not None:
            per, value = ("s", self.rate) if self.rate >= 1 else ("min", 60 * self.rate)
            parts.append(f"{value:.3g} {unit}/{per}")
        parts.append("time left unknown" if self.left is None else f"{duration(self.left)} left")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """`40 s`, `12 min`, `3 h 20 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


class Display:
    """Shows progress on stderr while the context is open.

    On a terminal it is a bar; elsewhere (a batch job, a log file) it is a line every `EVERY` seconds, also while a
    single item takes long.

    Parameters
    ----------
    label : what is being done, `counting`.
    unit : what is counted, `images`.
    total, before : see `Progress`; a total of 0 stands for an end that is not known.
    """

    def __init__(self, label: str, unit: str, total: int, before: int = 0) -> None:
        self.label, self.unit = label, unit
        self._start = time.monotonic()
        self._note = ""
        self._counts = (before, total, before, 0)
        self._ended = threading.Event()
        self._terminal = sys.stderr.isatty()

    @property
    def progress(self) -> Progress:
        """As it is now."""
        done, total, before, failed = self._counts
        return Progress(done, total, time.monotonic() - self._start, before, failed)

    def update(self, done: int, *, failed: int = 0, note: str = "") -> None:
        """So many are done by now; `note` is shown behind it, such as the loss of a training."""
        _, total, before, _ = self._counts
        self._counts = (done, total, before, failed)
        self._note = note or self._note

    def restart(self, before: int) -> None:
        """So many were done before now: what follows says how fast it goes."""
        self._start = time.monotonic()
        _, total, _, failed = self._counts
        self._counts = (before, total, before, failed)

    def show(self, progress: Progress) -> None:
        """The same, of progress that was measured elsewhere."""
        if progress.before != self._counts[2]:  # only now it is known what an earlier call did
            self._start = time.monotonic() - progress.elapsed
        self._counts = (progress.done, progress.total, progress.before, progress.failed)

    def text(self) -> str:
        """The line as it is now."""
        return f"{self.label}: {self.progress.text(self.unit)}" + (f", {self._note}" if self._note else "")

    def __enter__(self) -> Self:
        if self._terminal:
            from rich.console import Console
            from rich.progress import BarColumn, TextColumn
            from rich.progress import Progress as Bar

            # two pictures a second: drawing must not cost what the work needs
            columns = (BarColumn(bar_width=30), TextColumn("{task.description}", markup=False))
            self._bar = Bar(*columns, console=Console(stderr=True), refresh_per_second=2)
            self._task = self._bar.add_task(self.text(), total=max(self._counts[1], 1))
            self._bar.start()
        self._thread = threading.Thread(target=self._show, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        if self._terminal:
            self._draw()
            self._bar.stop()

    def _show(self) -> None:
        while not self._ended.wait(0.5 if self._terminal else EVERY):
            if self._terminal:
                self._draw()
            else:
                print(self.text(), file=sys.stderr, flush=True)

    def _draw(self) -> None:
        done, total, _, _ = self._counts
        self._bar.update(self._task, completed=done, total=max(total, 1), description=self.text())
