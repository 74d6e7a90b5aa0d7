"""What the verbs of the command line share: messages, exit codes, output folders."""

from __future__ import annotations

import os
import sys
import tomllib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from neubauer.errors import InputError, NeubauerError, OutputError

DONE, SOME_FAILED, USAGE, INTERRUPTED = 0, 1, 2, 130


@contextmanager
def errors_to_exit(interrupted: str = "interrupted") -> Iterator[None]:
    """Turn our errors into one line on stderr and exit code 2, warnings into lines, Ctrl-C into exit code 130.

    `interrupted` says what Ctrl-C leaves behind.
    """
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_args, **_kw: say(f"warning: {message}")
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        try:
            yield
        except NeubauerError as error:
            say(f"error: {error}")
            raise typer.Exit(USAGE) from error
        except KeyboardInterrupt as error:
            say(interrupted)
            raise typer.Exit(INTERRUPTED) from error


def say(text: str) -> None:
    """A line for people, on stderr: stdout is for results."""
    print(text, file=sys.stderr, flush=True)


def new_file(path: Path, overwrite: bool) -> Path:
    """A file that may be written; raises InputError if it is there already and must not be replaced."""
    if path.is_dir():
        raise InputError(path, "a folder", "the name of a file to write")
    if path.exists() and not overwrite:
        raise InputError(path, "a file that is there already", "a new name, or --overwrite")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be made ({error.strerror or error})") from error
    if not os.access(path.parent, os.W_OK):  # said now, not after hours of training
        raise OutputError(f"{path.parent}: cannot be written to (permission denied)")
    return path


def changes_of(settings: list[str]) -> dict[str, Any]:
    """`a.b=1` as {"a": {"b": 1}}; values are read as TOML, and as text where they are none."""
    changes: dict[str, Any] = {}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key:
            raise InputError("--set", repr(setting), "KEY=VALUE, e.g. training.batch_size=32")
        try:
            parsed = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            parsed = value
        *sections, last = key.split(".")
        table = changes
        for section in sections:
            table = table.setdefault(section, {})
        table[last] = parsed
    return changes
