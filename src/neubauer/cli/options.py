"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

RecipeName = Annotated[str | None, typer.Option(help="Which kind; an unknown name lists them.")]
RecipeSteps = Annotated[int | None, typer.Option(min=1, help="Training steps. Default: the recipe's.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, e.g. training.batch_size=32. Repeatable."),
]
Devices = Annotated[int, typer.Option(min=1, help="Processes on this machine.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: all.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, exactly where it was.")]
Overwrite = Annotated[bool, typer.Option(help="Replace a file that is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
