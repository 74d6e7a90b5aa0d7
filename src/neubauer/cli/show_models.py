"""`neubauer models`: what comes with the package."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from neubauer.cli.common import errors_to_exit
from neubauer.cli.options import Json
from neubauer.errors import InputError


def models(
    name: Annotated[str | None, typer.Argument(help="Show the card of this model.")] = None,
    as_json: Json = False,
) -> None:
    """List the bundled models, or show the card of one."""
    with errors_to_exit():
        from neubauer.models.shared.bundled import bundled

        every = bundled()
        if name is not None:
            found = [m for m in every if m.name == name]
            if not found:
                raise InputError("models", repr(name), "one of " + ", ".join(m.name for m in every))
            every = found
        if as_json:
            print(json.dumps([{"name": m.name, "path": str(m.path), "card": m.card, **m.header()} for m in every]))
            return
        from rich.console import Console
        from rich.markdown import Markdown
        from rich.table import Table

        console = Console()
        if name is not None:
            console.print(Markdown(every[0].card))
            return
        table = Table("model", "kind", "classes", "channels", "size", "licence of its data", "for")
        for m in every:
            header = m.header()
            config = header["config"]
            summary = next(line for line in m.card.splitlines() if line and not line.startswith("#"))
            table.add_row(
                m.name,
                header["kind"],
                ", ".join(config.get("classes", ())),
                str(config.get("channels", "")),
                f"{m.path.stat().st_size / 1e6:.1f} MB",
                str(config.get("training", {}).get("licence", "")),
                summary,
            )
        console.print(table)
        console.print("neubauer models NAME shows the card: data, licence, recipe, measured quality")
