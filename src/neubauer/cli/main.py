"""The command line. Nothing heavy is imported here: `neubauer --help` must be quick."""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer

from neubauer.cli.chamber import chamber
from neubauer.cli.classifier import evaluate_classifier, train_classifier
from neubauer.cli.classify import classify
from neubauer.cli.compare import compare
from neubauer.cli.count import count
from neubauer.cli.demo import demo
from neubauer.cli.evaluate import evaluate
from neubauer.cli.generator import evaluate_generator, generate, train_generator
from neubauer.cli.inpainter import evaluate_inpainter, inpaint, train_inpainter
from neubauer.cli.report import report
from neubauer.cli.sequences import evaluate_sequences_command, train_sequences
from neubauer.cli.show_models import models
from neubauer.cli.train import train
from neubauer.cli.translator import evaluate_translator, train_translator, translate
from neubauer.version import __version__

app = typer.Typer(
    name="neubauer",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Count and classify cells in microscope images.",
)
app.command()(count)
app.command()(compare)
app.command()(chamber)
app.command()(classify)
app.add_typer(train, name="train")
app.add_typer(evaluate, name="evaluate")
app.command()(generate)
train.command("generator")(train_generator)
evaluate.command("generator")(evaluate_generator)
train.command("classifier")(train_classifier)
evaluate.command("classifier")(evaluate_classifier)
train.command("sequences")(train_sequences)
evaluate.command("sequences")(evaluate_sequences_command)
app.command()(translate)
train.command("translator")(train_translator)
evaluate.command("translator")(evaluate_translator)
app.command()(inpaint)
train.command("inpainter")(train_inpainter)
evaluate.command("inpainter")(evaluate_inpainter)
app.command()(report)
app.command()(models)
app.command()(demo)


def _version(value: bool) -> None:
    if value:
        print(__version__)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Count and classify cells in microscope images."""
    # a sign that the terminal does not know must not cost the end of a long run (Python does the same for stderr)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def main() -> None:
    """Entry point of the `neubauer` command."""
    app()


if __name__ == "__main__":
    main()
