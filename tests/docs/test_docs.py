"""What the pages say exists: files, dotted names, links, commands. Public names say what they are and raise."""

from __future__ import annotations

import importlib
import importlib.util
import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer

import neubauer
from neubauer.cli.main import app

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "neubauer"
PAGES = sorted(
    [*(ROOT / "docs").rglob("*.md"), *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md"))]
)
CODE_PATH = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|toml|md|css|cff)|(?:[\w.-]+/){2,})`")
"""A file of the repository in backticks, or a folder of at least two levels."""
DOTTED = re.compile(r"\bneubauer((?:\.[A-Za-z_]\w*)+)(?![\w/])")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
ELSEWHERE = ("toys/", "run/", "results/", "synthetic/")
"""Where examples write."""


def hook(name: str) -> ModuleType:
    """A file of docs/hooks, which is no package."""
    module_name = f"docs_hooks_{name}"  # a helper of the tests has the name of a hook
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, ROOT / "docs" / "hooks" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[module_name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[module_name])
    return sys.modules[module_name]


def id_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def missing_paths(text: str) -> list[str]:
    """Files in backticks that are neither in the repository nor, by the end of their path, in the package."""
    return [
        path
        for path in CODE_PATH.findall(text)
        if not path.startswith(ELSEWHERE)
        and not any((base / path).exists() for base in (ROOT, SOURCE, ROOT / "docs"))
        and not ("/" not in path and (any(SOURCE.rglob(path)) or any((ROOT / "docs").rglob(path))))
    ]


def missing_names(text: str) -> list[str]:
    """Dotted names of the package that cannot be imported."""
    return [f"neubauer{rest}" for rest in DOTTED.findall(text) if not _is_there(f"neubauer{rest}")]


def _is_there(name: str) -> bool:
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        try:
            found: object = importlib.import_module(".".join(parts[:n]))
        except ImportError:
            continue
        for part in parts[n:]:
            if not hasattr(found, part):
                return False
            found = getattr(found, part)
        return True
    return False


def anchors(page: Path) -> set[str]:
    """Of the headings, as the pages are built."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", h).strip().lower()) for h in headings} | {
        name.replace(" ", "-") for name, _ in hook("command_line").commands() if page.name == "commands.md"
    }


def commands_in(text: str) -> Iterator[list[str]]:
    """Words of every line of a code block that calls the program."""
    for line in re.findall(r"^(?:    )?(neubauer .+)$", text, re.MULTILINE):
        yield shlex.split(line, comments=True)


def fault_of(words: list[str]) -> str | None:
    """Why a command would be refused, before any file is looked at."""
    command = typer.main.get_command(app)
    rest = words[1:]
    while hasattr(command, "commands"):
        if not rest or rest[0] not in command.commands:
            return f"no verb {' '.join(words[:3])}"
        command, rest = command.commands[rest[0]], rest[1:]
    options = {name: p for p in command.params for name in (*p.opts, *p.secondary_opts) if name.startswith("-")}
    given = set()
    for i, word in enumerate(rest):
        if re.match(r"-{1,2}[a-z]", word):
            if word not in options:
                return f"no option {word}"
            if not options[word].is_flag and (i + 1 == len(rest) or rest[i + 1].startswith("--")):  # type: ignore[attr-defined]
                return f"{word} without a value"
            given.add(options[word].name)
    lacking = [p.opts[0] for p in command.params if p.required and p.opts[0].startswith("-") and p.name not in given]
    return f"without {', '.join(lacking)}" if lacking else None


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_files_and_names_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    text_of_repository = re.sub(r"^```(?:python|toml) title=.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    assert missing_paths(text_of_repository) == []
    assert missing_names(text_of_repository) == []


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        file, _, anchor = target.partition("#")
        found = page if not file else (page.parent / file).resolve()
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@pytest.mark.parametrize("page", PAGES, ids=id_of)
def test_commands_parse(page: Path) -> None:
    faults = {" ".join(words): fault_of(words) for words in commands_in(page.read_text(encoding="utf-8"))}
    assert {line: fault for line, fault in faults.items() if fault} == {}


def test_what_is_wrong_is_found() -> None:
    """The checks themselves: a page of before the tree was put in order."""
    assert missing_paths("see `models/diameter.py` and `models/counter/diameter.py`") == ["models/diameter.py"]
    assert missing_names("`neubauer.gan.trainer.Trainer`, neubauer.gan.losses") == ["neubauer.gan.trainer.Trainer"]
    (wrong,) = commands_in("    neubauer count a.tif --out r --model m --diametre 3  # no\n")
    assert fault_of(wrong) == "no option --diametre"
    (lacking,) = commands_in("    neubauer train counter images/ --masks masks/\n")
    assert fault_of(lacking) == "without --out"


def test_public_names_have_docstrings() -> None:
    assert hook("public_names").faults() == []


def test_a_missing_docstring_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neubauer.CellCounter.fit, "__doc__", None)
    monkeypatch.setattr(neubauer.open_image, "__doc__", "Open one.")
    assert hook("public_names").faults() == [
        "CellCounter.fit has no docstring",
        "open_image takes path, and its docstring does not say what it raises",
    ]


def test_the_reference_has_every_public_name() -> None:
    page = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^::: neubauer\.(\w+)$", page, re.MULTILINE))
    assert shown == set(neubauer.__all__) - {"__version__"}


def test_the_version_is_the_same_everywhere() -> None:
    assert f"\nversion: {neubauer.__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\n## {neubauer.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
