"""What the verbs that go through many items share: how a run is shown, and how many processes do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from neubauer.cli.common import say
from neubauer.progress import Display, Progress

if TYPE_CHECKING:
    from pathlib import Path

    from neubauer.runs.events import Event
    from neubauer.runs.executors import Executor
    from neubauer.runs.job import Item, Job
    from neubauer.runs.run import Finished


def do(
    job: Job,
    items: Sequence[Item],
    out: Path,
    label: str,
    *,
    workers: int = 1,
    overwrite: bool = False,
    share: tuple[int, int] | None = None,
    samples: Mapping[str, Mapping[str, str]] | None = None,
    said_of: Callable[[dict[str, Any]], str | None] = lambda row: None,
) -> Finished:
    """Run a job, and show how far it is.

    Parameters
    ----------
    job, items, out, overwrite, share, samples : see `neubauer.runs.run.run`.
    label : what is being done, `counting`.
    workers : processes on this machine.
    said_of : a line about each item that is done, if there is one.
    """
    from neubauer.runs.run import run

    with Display(label, "images", len(items)) as display:
        heard = listener(display, said_of)
        return run(
            job,
            items,
            out,
            share=share,
            samples=samples,
            overwrite=overwrite,
            executor=executor(workers),
            on_event=heard,
        )


def listener(
    display: Display, said_of: Callable[[dict[str, Any]], str | None] = lambda row: None
) -> Callable[[Event], None]:
    """Shows the events of a run on stderr."""
    from neubauer.runs.events import Done, Failed, Note

    def heard(event: Event) -> None:
        if isinstance(event, Progress):
            display.show(event)
        elif isinstance(event, Note):
            say(event.text)
        elif isinstance(event, Failed):
            say(f"failed: {event.reason}")
        elif isinstance(event, Done) and (text := said_of(event.row)):
            say(text)

    return heard


@contextmanager
def measuring(workers: int = 1) -> Iterator[tuple[Executor, Callable[[Event], None]]]:
    """Where images are measured, and who shows how far that is."""
    with Display("measuring", "images", 0) as display:
        yield executor(workers), listener(display)


def tell(event: Event) -> None:
    """Notes as lines, for what comes before the work begins."""
    from neubauer.runs.events import Note

    if isinstance(event, Note):
        say(event.text)


def executor(workers: int) -> Executor:
    """Where the work is done."""
    from neubauer.runs.executors import InProcess, LocalProcesses

    return InProcess() if workers == 1 else LocalProcesses(workers)
