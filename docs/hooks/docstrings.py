"""The docstrings of `neubauer` in numpy's form: `name : meaning` becomes a name and, below it, its meaning.

In these docstrings what follows the colon says what a thing is, and its type stands in the signature. Numpy's reader
would take it for the type.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import griffe

NAMED = ("Parameters", "Attributes", "Raises", "Warns")
RETURNED = ("Returns", "Yields")
ENTRY = re.compile(r"^(?P<name>\*{0,2}[\w.]+(?:, \*{0,2}[\w.]+)*) : (?P<meaning>.*)$")


def plain_numpy(text: str) -> str:
    """A docstring with its sections in numpy's form."""
    lines = inspect.cleandoc(text).splitlines()
    out: list[str] = []
    i = 0
    while i < len(lines):
        title = lines[i].strip()
        if title in (*NAMED, *RETURNED) and i + 1 < len(lines) and re.fullmatch(r"-{3,}", lines[i + 1].strip()):
            end = next((k for k in range(i + 2, len(lines)) if _heading(lines, k)), len(lines))
            body = lines[i + 2 : end]
            out += [title, "-" * len(title)]
            out += _named(body) if title in NAMED else _returned(body)
            i = end
        else:
            out.append(lines[i])
            i += 1
    return "\n".join(out)


def _heading(lines: list[str], k: int) -> bool:
    return k + 1 < len(lines) and bool(lines[k].strip()) and bool(re.fullmatch(r"-{3,}", lines[k + 1].strip()))


def _named(body: list[str]) -> list[str]:
    """One entry for each name, also where several share a meaning: their types and defaults differ."""
    entries: list[tuple[list[str], list[str]]] = []
    for line in body:
        entry = ENTRY.match(line)
        if entry:
            entries.append((entry["name"].split(", "), [f"    {entry['meaning']}"]))
        elif entries:
            entries[-1][1].append(line)
    return [line for names, meaning in entries for name in names for line in (name, *meaning)]


def _returned(body: list[str]) -> list[str]:
    """What is returned is one thing, whose type the signature says; its name, where it has one, is a type as well."""
    first = ENTRY.match(body[0]) if body else None
    rest = [first["meaning"], *body[1:]] if first else body
    words = [line.strip() for line in rest]
    while words and not words[-1]:
        words.pop()
    # an unnamed value without a type of its own: griffe takes the type from the signature
    return [":", *(f"    {line}" if line else "" for line in words), ""]


class PlainNumpy(griffe.Extension):
    """Rewrites every docstring as it is read."""

    def on_instance(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Of modules, classes, functions and attributes alike."""
        if obj.docstring is not None:
            obj.docstring.value = plain_numpy(obj.docstring.value)
