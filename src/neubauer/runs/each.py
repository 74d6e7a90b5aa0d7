"""The loop of a run: a function for each item, failures, progress, cancelling. It knows nothing of files."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from neubauer.errors import InputError
from neubauer.progress import Progress
from neubauer.runs.events import Done, Failed, OnEvent, unheard
from neubauer.runs.executors import Executor, InProcess
from neubauer.runs.job import Item


@dataclass(frozen=True)
class Outcome:
    """What became of an item: its row, or why it failed."""

    item: Item
    row: dict[str, Any] | None = None
    reason: str | None = None


Task = Sequence[Item]
Work = Callable[[Task], list[Outcome]]


def each(
    work: Work,
    items: Sequence[Item],
    *,
    batch: int = 1,
    before: int = 0,
    executor: Executor | None = None,
    on_event: OnEvent = unheard,
    cancel: threading.Event | None = None,
) -> list[Outcome]:
    """Do something to each of many items.

    Parameters
    ----------
    work : takes up to `batch` items and says what became of each.
    items : all that is to be done.
    batch : items that are handed over at a time.
    before : items that were done before, for the progress.
    executor : where it is done; by default in this process.
    on_event : hears of each item that is done or failed, and of the progress after it.
    cancel : when it is set, no further item is begun.

    Returns
    -------
    Outcomes in the order of `items`, of those that were done or failed.
    """
    tasks = [tuple(items[i : i + batch]) for i in range(0, len(items), batch)]
    found: dict[str, Outcome] = {}
    failed, total, start = 0, before + len(items), time.monotonic()
    on_event(Progress(before, total, 0.0, before))
    results = (executor or InProcess()).map(work, tasks) if not (cancel and cancel.is_set()) else iter(())
    try:
        for outcomes in results:
            for outcome in outcomes:
                found[outcome.item.name] = outcome
                if outcome.reason is None:
                    on_event(Done(outcome.item.name, outcome.item.path, outcome.row or {}))
                else:
                    failed += 1
                    on_event(Failed(outcome.item.name, outcome.item.path, outcome.reason))
            on_event(Progress(before + len(found), total, time.monotonic() - start, before, failed))
            if cancel is not None and cancel.is_set():
                break
    finally:
        if hasattr(results, "close"):
            results.close()
    return [found[item.name] for item in items if item.name in found]


def reason(item: Item, error: Exception) -> str:
    """Why an item failed, in one line that names the file."""
    text = " ".join(str(error).split()) or ("not enough memory" if isinstance(error, MemoryError) else repr(error))
    if not isinstance(error, InputError | MemoryError):
        text = f"{type(error).__name__}: {text}"
    return text if str(item.path) in text else f"{item.path}: {text}"
