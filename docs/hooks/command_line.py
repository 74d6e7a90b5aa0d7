"""The reference of the command line, from the command line itself: `<!-- commands -->` in a page becomes all of it."""

from __future__ import annotations

import html
import inspect
from collections.abc import Iterator
from typing import Any

MARK = "<!-- commands -->"


def on_page_markdown(markdown: str, **kwargs: Any) -> str:
    """Called by mkdocs for every page."""
    return markdown.replace(MARK, "\n".join(_pages())) if MARK in markdown else markdown


def commands() -> Iterator[tuple[str, Any]]:
    """Every verb with its command, in the order of `neubauer --help`."""
    import typer

    from neubauer.cli.main import app

    def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
        below = getattr(command, "commands", None)
        if below is None:
            yield name, command
        else:
            for word, sub in below.items():
                yield from walk(sub, f"{name} {word}")

    yield from walk(typer.main.get_command(app), "neubauer")


def _pages() -> Iterator[str]:
    for name, command in commands():
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and not p.hidden]
        yield f"## {name}\n"
        yield inspect.cleandoc(command.help or "") + "\n"
        shown = [_argument(p) for p in arguments] + [f"{p.opts[0]} {_value(p)}" for p in options if p.required]
        yield "```text\n" + " ".join([name, *shown, "[options]"]) + "\n```\n"
        yield "| argument or option | meaning |\n| --- | --- |"
        for p in arguments:
            yield f"| `{_argument(p)}` | {_text(p.help)} |"
        for p in options:
            yield f"| {_names(p)} | {_text(p.help)}{_default(p)} |"
        yield ""


def _argument(p: Any) -> str:
    return str(p.metavar or p.name.upper())


def _value(p: Any) -> str:
    return "" if p.is_flag else str(p.metavar or p.name.upper().removeprefix("AS_"))


def _names(p: Any) -> str:
    value = "" if p.is_flag else f" {_value(p)}"
    return ", ".join(f"`{option}{value}`" for option in (*p.opts, *p.secondary_opts))


def _default(p: Any) -> str:
    if p.required:
        return " **Required.**"
    if p.is_flag:
        return "" if not p.secondary_opts else f" Default: {'on' if p.default else 'off'}."
    if p.default in (None, "", [], ()) or callable(p.default) or "default:" in (p.help or "").lower():
        return ""
    return f" Default: `{p.default}`."


def _text(help_text: str | None) -> str:
    return html.escape(" ".join((help_text or "").split()), quote=False).replace("|", "\\|")
