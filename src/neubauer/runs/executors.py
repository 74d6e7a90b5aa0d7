"""Where the work of a run is done: in this process, or in several on this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Executor(Protocol):
    """Calls a function for each of many tasks."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """The results, in the order in which they are there. Closing the iterator ends the work."""
        ...


class InProcess:
    """One after the other, in this process."""

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """See `Executor.map`."""
        return (function(task) for task in tasks)


@dataclass(frozen=True)
class LocalProcesses:
    """Several processes on this machine, which share its cores.

    The function is sent to each process once; it and the tasks have to be picklable, and a script that uses this
    protects its main part by `if __name__ == "__main__":`, as with `multiprocessing`. No process outlives this one.

    Attributes
    ----------
    workers : how many.
    """

    workers: int

    def map(self, function: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """See `Executor.map`."""
        context = multiprocessing.get_context("spawn")
        stop = context.Event()
        threads = max(1, cores() // self.workers)
        pool = ProcessPoolExecutor(
            self.workers, mp_context=context, initializer=_begin, initargs=(function, threads, stop)
        )
        rest = iter(tasks)
        running = {pool.submit(_call, task) for _, task in zip(range(2 * self.workers), rest, strict=False)}
        try:
            while running:
                ended, running = wait(running, return_when=FIRST_COMPLETED)
                for _, task in zip(ended, rest, strict=False):
                    running.add(pool.submit(_call, task))
                for future in ended:
                    yield future.result()
        except BaseException:
            stop.set()  # nobody waits for an image that takes minutes
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def cores() -> int:
    """That this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


_function: Callable[[Any], Any]


def _begin(function: Callable[[Any], Any], threads: int, stop: Any) -> None:
    """In a new process: what it is to do; it ends with its parent, or when it is told to."""
    global _function
    _function = function
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, who tells us
    threading.Thread(target=_watch, args=(stop,), daemon=True).start()
    warnings.simplefilter("ignore")
    warnings.simplefilter("always", UserWarning)  # those for people, as lines
    warnings.formatwarning = lambda message, *_args, **_kw: f"warning: {message}\n"
    import torch

    torch.set_num_threads(threads)


def _watch(stop: Any) -> None:
    parent = multiprocessing.parent_process()
    while not stop.wait(0.2) and (parent is None or parent.is_alive()):
        pass
    os._exit(1)


def _call(task: Any) -> Any:
    return _function(task)
