"""Where files lie until they are whole. A folder of results never holds half a file under its name."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = ".work-"


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """A folder in `out` for what is not whole yet; it is gone when the context ends.

    What processes that were killed left of theirs is removed first. A lock tells these from the folders of processes
    that still work, here or on another machine.
    """
    sweep(out)
    folder, lock = _begin(out)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _lock_file(folder).unlink(missing_ok=True)
        lock.release()


def sweep(out: Path) -> None:
    """Remove the folders of processes that are gone."""
    for file in out.glob(f"{PREFIX}*.lock"):
        lock = FileLock(file, timeout=0)
        with suppress(Timeout, OSError), lock:
            shutil.rmtree(file.with_suffix(""), ignore_errors=True)
            file.unlink(missing_ok=True)


def _begin(out: Path) -> tuple[Path, FileLock]:
    while True:
        folder = out / f"{PREFIX}{uuid.uuid4().hex[:12]}"
        lock = FileLock(_lock_file(folder), timeout=0)
        with suppress(Timeout):  # a sweep that began in the meantime has it, and removes it
            lock.acquire()
            if _lock_file(folder).exists():
                folder.mkdir()
                return folder, lock
            lock.release()


def _lock_file(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def publish(folder: Path, out: Path, files: list[str]) -> None:
    """Move files (relative paths) from one folder to the other, each whole or not at all."""
    for file in files:
        (out / file).parent.mkdir(parents=True, exist_ok=True)
        os.replace(folder / file, out / file)


def files_in(folder: Path) -> list[str]:
    """Relative paths of all files."""
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())
