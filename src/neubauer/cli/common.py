"""What the verbs of the command line share: messages, exit codes, output folders."""

from __future__ import annotations

import json
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
TABLES = ("counts.csv", "objects.csv", "failed.csv")


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


def run_folder(out: Path, run: dict[str, Any], images: dict[str, str], overwrite: bool) -> dict[str, str]:
    """Make a folder for results, new or of the same run that was stopped.

    `run.json` in it says what made the results; another run into the same folder is refused, unless the first left no
    result. Further images may be added to a run.

    Parameters
    ----------
    out : the folder.
    run : settings that the results depend on.
    images : file of each image by the name of its results.
    overwrite : drop what is there instead.

    Returns
    -------
    File of each image of the run by the name of its results, with those of earlier calls.

    Raises
    ------
    InputError : the folder holds results of another run (what differs is named), or run.json is no record of one.
    OutputError : it cannot be written to.
    """
    record, images = out / "run.json", dict(images)
    fresh = overwrite
    try:
        out.mkdir(parents=True, exist_ok=True)
        if record.exists() and not overwrite:
            old, earlier = _read_record(record)
            differing = [f"{k}: {old.get(k)!r} there" for k in sorted({*old, *run}) if old.get(k) != run.get(k)]
            differing += _differing_names(earlier, images)
            if differing and _has_results(out):
                raise InputError(
                    out,
                    "results of another run (" + ", ".join(differing) + ")",
                    "a new folder, the same settings, or --overwrite",
                )
            fresh = bool(differing)
            images = images if fresh else earlier | images
        elif not overwrite and (_has_parts(out) or any((out / name).exists() for name in TABLES)):
            raise InputError(out, "tables without the record of their run", "a new folder, or --overwrite")
        if fresh and (out / "parts").is_dir():
            from neubauer.cells.write.parts import ENDINGS

            for part in (out / "parts").iterdir():
                if part.name.endswith(ENDINGS):
                    part.unlink()
        temporary = record.with_suffix(".tmp")
        temporary.write_text(json.dumps(run | {"images": images}, indent=2) + "\n", encoding="utf-8")
        temporary.replace(record)
    except OSError as error:
        if isinstance(error, NeubauerError):
            raise
        raise OutputError(f"{out}: cannot be written to ({error.strerror or error})") from error
    return images


def _read_record(record: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """The settings in run.json, and its images."""
    expected = "the record of a run; or --overwrite"
    try:
        old = json.loads(record.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(record, "no valid JSON", expected) from error
    images = old.pop("images", {}) if isinstance(old, dict) else None
    if not isinstance(images, dict) or not all(isinstance(file, str) for file in images.values()):
        raise InputError(record, "JSON without settings and the files of images", expected)
    return old, images


def _has_results(out: Path) -> bool:
    """Whether a run of any verb got as far as a result."""
    return (out / "classes.csv").exists() or _has_parts(out)


def _has_parts(out: Path) -> bool:
    return any((out / "parts").glob("*_counts.csv"))


def _differing_names(earlier: dict[str, str], images: dict[str, str]) -> list[str]:
    """Images of which one name stands for two files, or one file has two names; at most the first of each."""
    names = {file: name for name, file in earlier.items()}
    other = [f"{n} is {earlier[n]} there" for n, file in images.items() if earlier.get(n, file) != file]
    renamed = [f"{file} is called {names[file]} there" for n, file in images.items() if names.get(file, n) != n]
    return other[:1] or renamed[:1]


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
