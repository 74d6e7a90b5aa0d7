"""What the verbs that train share: the display, threads, and how a training of a game ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from neubauer.cli.common import INTERRUPTED, SOME_FAILED, say
from neubauer.progress import Display

if TYPE_CHECKING:
    from neubauer.gan.training.report import Report

USUAL = 50
"""Steps after which trainings report first."""


@contextmanager
def training_display(steps: int) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """Shows a training; the context is what it reports to: steps done and losses.

    The first report of a training that goes on where it was stopped counts steps that were not done now: how fast it
    goes is measured from there.
    """
    known = False
    with Display("training", "steps", steps) as display:

        def report(step: int, losses: dict[str, float]) -> None:
            nonlocal known
            if not known and step > USUAL:
                display.restart(step)
            known = True
            display.update(step, note=f"loss {sum(losses.values()):.3f}" if losses else "")

        yield report


def use_threads(threads: int | None) -> None:
    """CPU threads of PyTorch; None: all."""
    if threads:
        import torch

        torch.set_num_threads(threads)


@contextmanager
def diverged_to_exit() -> Iterator[None]:
    """A training that diverged is one line on stderr, and exit code 1."""
    from neubauer.gan.training.report import TrainingDiverged

    try:
        yield
    except TrainingDiverged as error:
        say(f"error: {error}")
        raise typer.Exit(SOME_FAILED) from error


def exit_if_interrupted(report: Report | None) -> None:
    """Exit code 130 where a training was stopped; its checkpoint is kept."""
    if report is not None and report.reason == "interrupted":
        say("the checkpoint is kept; --resume goes on from here")
        raise typer.Exit(INTERRUPTED)
