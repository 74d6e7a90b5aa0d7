"""What the documentation says exists: files, names, commands; and public names say what they do."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FURTHER = ("README.md", "CONTRIBUTING.md", "examples/README.md")
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *(ROOT / name for name in FURTHER)]
FILE = re.compile(r"`((?:[\w.-]+/)+[\w.-]+\.(?:py|toml|json|md))`")
NAME = re.compile(r"`(neubauer(?:\.\w+)+)`")
COMMAND = re.compile(r"^ {4}(neubauer .*)$", re.MULTILINE)
OURS = (
    *("src", "benchmarks", "docs", "tests", "examples", ".ci", "errors", "progress", "images", "sequences", "cells"),
    *("layouts", "metrics", "nets", "gan", "recipes", "models", "runs", "cli"),
)
"""What a path has to begin with to be one of the project's; others are examples of a user's files."""


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_files_and_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for path in FILE.findall(text):
        if path.split("/")[0] in OURS and not path.startswith(("runs/run", "models/weights")):
            assert any((base / path).exists() for base in (ROOT, ROOT / "src" / "neubauer")), path
    for name in NAME.findall(text):
        assert exists(name), name


def exists(name: str) -> bool:
    module, rest = name, []
    while True:
        try:
            thing: Any = importlib.import_module(module)
            break
        except ModuleNotFoundError:
            module, _, last = module.rpartition(".")
            rest.insert(0, last)
            if not module:
                return False
    for part in rest:
        if not hasattr(thing, part):
            return False
        thing = getattr(thing, part)
    return True


def commands() -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for line in COMMAND.findall(page.read_text(encoding="utf-8")):
            found.append((str(page.relative_to(ROOT)), line.split(" #")[0].split("   ")[0].strip()))
    return found


@pytest.mark.parametrize(("page", "line"), commands())
def test_commands_have_these_options(page: str, line: str) -> None:
    import typer

    from neubauer.cli.main import app

    command: Any = typer.main.get_command(app)
    words = shlex.split(line)[1:]
    while words and getattr(command, "commands", None):
        assert words[0] in command.commands, f"{words[0]} is no verb"
        command = command.commands[words.pop(0)]
    known = {option for p in command.params for option in (*p.opts, *p.secondary_opts)} | {"--help", "--version", "-h"}
    assert {w.split("=")[0] for w in words if w.startswith("-")} <= known


def test_public_names_say_what_they_do() -> None:
    sys.path.insert(0, str(ROOT / "docs" / "hooks"))
    try:
        from public_names import faults  # type: ignore[import-not-found]
    finally:
        sys.path.pop(0)
    assert faults() == []


def test_the_version_is_the_same_everywhere() -> None:
    from neubauer.version import __version__

    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()
