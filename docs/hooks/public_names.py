"""The build stops where a public name has no docstring, or takes files and does not say what it raises."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

FILES = re.compile(r"\bPath\b|\bImageLike\b|\bImages\b|\bImageSource\b|\bAnnotated\b")
"""Annotations of parameters that take what a person gives."""


def public_names() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every name of `neubauer.__all__`, and the methods and properties of its classes, inherited ones included."""
    import neubauer

    for name in neubauer.__all__:
        thing = getattr(neubauer, name)
        if not callable(thing):
            continue
        yield name, thing
        if inspect.isclass(thing):
            for member in dir(thing):
                value = inspect.getattr_static(thing, member)
                code = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
                if not member.startswith("_") and inspect.isfunction(code) and code.__module__.startswith("neubauer"):
                    yield f"{name}.{member}", code


def faults() -> list[str]:
    """What is missing, one sentence each."""
    found = []
    for name, thing in public_names():
        text = thing.__doc__ or ""
        if not text.strip() or (inspect.isclass(thing) and text.startswith(f"{thing.__name__}(")):  # a dataclass's own
            found.append(f"{name} has no docstring")
        elif inspect.isfunction(thing) and "rais" not in text.lower():
            files = [p.name for p in inspect.signature(thing).parameters.values() if FILES.search(str(p.annotation))]
            if files:
                found.append(f"{name} takes {', '.join(files)}, and its docstring does not say what it raises")
    return found


def on_pre_build(config: Any) -> None:
    """Called by mkdocs."""
    found = faults()
    if found:
        from mkdocs.exceptions import PluginError

        raise PluginError("\n".join(["public names without what their docstrings need:", *found]))
