"""The house: no circle between two files, no part that imports from below it, rooms in their order."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src" / "neubauer"
PARTS = (
    *("version", "errors", "plugins", "progress", "images", "sequences", "cells", "layouts", "metrics", "nets"),
    *("gan", "recipes", "models", "chamber", "runs", "report", "compare", "neubauer", "cli", "__main__"),
)
"""From above to below; a part imports from itself and from those before it. `neubauer` is the package's own file."""
ROOMS = (
    *("shared", "kinds", "counter", "labelfree", "generator", "classifier", "translator", "inpainter", "sequences"),
    "estimators",
)
"""Of the part `models`, in the same way."""

Graph = dict[str, set[str]]


def modules(source: Path) -> dict[str, Path]:
    """Every file by the name that it is imported by."""
    found = {}
    for file in sorted(source.rglob("*.py")):
        parts = file.relative_to(source.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


def import_graph(source: Path) -> Graph:
    """What each file imports from the package, wherever it does: also inside functions and under TYPE_CHECKING."""
    files = modules(source)
    package = source.name
    graph: Graph = {}
    for name, file in files.items():
        targets: set[str] = set()
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                targets |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                if node.level:  # relative to the package that the file lies in
                    base = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
                    base = base[: len(base) - node.level + 1] + ([node.module] if node.module else [])
                    module = ".".join(base)
                else:
                    module = node.module or ""
                targets |= {inner if (inner := f"{module}.{a.name}") in files else module for a in node.names}
        graph[name] = {t for t in targets if t in files and t != name and t.split(".")[0] == package}
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """Groups of files that import each other, directly or around (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(v: str) -> None:
        index[v] = low[v] = len(index)
        stack.append(v)
        for w in sorted(graph[v]):
            if w not in index:
                visit(w)
                low[v] = min(low[v], low[w])
            elif w in stack:
                low[v] = min(low[v], index[w])
        if low[v] == index[v]:
            group = stack[stack.index(v) :]
            del stack[stack.index(v) :]
            if len(group) > 1:
                found.append(sorted(group))

    for v in sorted(graph):
        if v not in index:
            visit(v)
    return found


def upward(graph: Graph, order: tuple[str, ...], prefix: str) -> list[str]:
    """Imports from a part that comes later in the order."""

    def place(module: str) -> int:
        rest = module.removeprefix(prefix).lstrip(".")
        return order.index(rest.split(".")[0] if rest else module)

    inside = {m for m in graph if m.startswith(prefix) and m != "neubauer.models"}
    return [f"{a} imports {b}" for a in sorted(inside) for b in sorted(graph[a] & inside) if place(b) > place(a)]


@pytest.fixture(scope="module")
def graph() -> Graph:
    return import_graph(SOURCE)


def test_no_circle_between_files(graph: Graph) -> None:
    assert circles(graph) == []


def test_no_part_imports_from_below_it(graph: Graph) -> None:
    assert upward(graph, PARTS, "neubauer") == []


def test_no_room_of_the_models_imports_from_below_it(graph: Graph) -> None:
    assert upward(graph, ROOMS, "neubauer.models") == []


def test_circles_and_wrong_ways_are_found(tmp_path: Path) -> None:
    """Late imports and those for types alone count too, and the files are named."""
    source = tmp_path / "neubauer"
    files = {
        "__init__.py": "",
        "errors.py": "",
        "images/__init__.py": "",
        "images/a.py": "def f():\n    from neubauer.images import b\n",
        "images/b.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from neubauer.images.c import x\n",
        "images/c.py": "from . import a\nfrom neubauer.cells.table import t\n",
        "cells/__init__.py": "",
        "cells/table.py": "import neubauer.errors\n",
    }
    for name, text in files.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    found = import_graph(source)
    assert circles(found) == [["neubauer.images.a", "neubauer.images.b", "neubauer.images.c"]]
    assert upward(found, PARTS, "neubauer") == ["neubauer.images.c imports neubauer.cells.table"]
