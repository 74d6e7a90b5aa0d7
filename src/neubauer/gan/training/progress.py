"""The progress bar of a run, with the time it still needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress_bar(steps: int, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Context whose value is called with the number of steps done. Drawn on stderr, and only on a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    # two pictures a second: drawing must not cost what training needs
    with Progress(*columns, console=console, refresh_per_second=2, disable=not console.is_terminal) as progress:
        task = progress.add_task("training", total=steps, completed=done)
        yield lambda step: progress.update(task, completed=step)
