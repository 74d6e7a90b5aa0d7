"""What the verbs of the command line share: messages, exit codes, output folders."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer

from neubauer.errors import InputError, NeubauerError, OutputError

DONE, SOME_FAILED, USAGE = 0, 1, 2


@contextmanager
def errors_to_exit() -> Iterator[None]:
    """Turn our errors into one line on stderr and exit code 2, warnings into lines, Ctrl-C into exit code 130."""
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
            say("interrupted: what was written is complete; the same command goes on from here")
            raise typer.Exit(130) from error


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
    return path


def run_folder(out: Path, run: dict[str, Any], overwrite: bool) -> Path:
    """A folder for results, new or of the same run that was stopped.

    `run.json` in it says what made the results; another run into the same folder is refused.

    Raises
    ------
    InputError : the folder holds results of another run (the differing settings are named).
    OutputError : it cannot be written to.
    """
    record = out / "run.json"
    try:
        out.mkdir(parents=True, exist_ok=True)
        if record.exists() and not overwrite:
            try:
                old = json.loads(record.read_text(encoding="utf-8"))
            except ValueError as error:
                raise InputError(record, "no valid JSON", "the record of a run; or --overwrite") from error
            differing = [key for key in sorted({*old, *run}) if old.get(key) != run.get(key)]
            if differing:
                raise InputError(
                    out,
                    "results of another run (" + ", ".join(f"{k}: {old.get(k)!r} there" for k in differing) + ")",
                    "a new folder, the same settings, or --overwrite",
                )
        elif any((out / name).exists() for name in ("counts.csv", "objects.csv")) and not overwrite:
            raise InputError(out, "tables without the record of their run", "a new folder, or --overwrite")
        if overwrite and (out / "parts").is_dir():
            for part in (out / "parts").iterdir():
                part.unlink()
        temporary = record.with_suffix(".tmp")
        temporary.write_text(json.dumps(run, indent=2) + "\n", encoding="utf-8")
        temporary.replace(record)
    except OSError as error:
        if isinstance(error, NeubauerError):
            raise
        raise OutputError(f"{out}: cannot be written to ({error.strerror or error})") from error
    return out
