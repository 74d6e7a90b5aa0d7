"""`neubauer train sequences`, `neubauer evaluate sequences`, and `neubauer generate` for sequences."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from neubauer.cli.common import changes_of, errors_to_exit, new_file, say
from neubauer.cli.options import Changes, Devices, Json, RecipeName, RecipeSteps, Resume, Threads
from neubauer.cli.trainings import diverged_to_exit, exit_if_interrupted, use_threads
from neubauer.progress import Display


def train_sequences(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="FASTA, FASTQ, one sequence per line, or class,name,sequence (UCI).")
    ],
    out: Annotated[Path, typer.Option(help="Run folder; it ends with model.safetensors.")],
    recipe: RecipeName = None,
    alphabet: Annotated[str, typer.Option(help="dna, rna or protein.")] = "dna",
    pad: Annotated[bool, typer.Option("--pad", help="Sequences differ in length.")] = False,
    steps: RecipeSteps = None,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, order and latents.")] = 0,
    set_: Changes = None,
    devices: Devices = 1,
    threads: Threads = None,
    resume: Resume = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Train a generator of DNA, RNA or protein sequences.

    Ctrl-C stops after the step at hand and keeps a checkpoint. Exit code 0: trained; 1: training diverged; 130:
    stopped.
    """
    with errors_to_exit():
        from neubauer.models.estimators.sequence_generator import DEFAULT_RECIPE, SequenceGenerator

        use_threads(threads)
        changes = changes_of([*(set_ or []), f"training.devices={devices}"])
        generator = SequenceGenerator(recipe or DEFAULT_RECIPE, changes, alphabet=alphabet, pad=pad)
        with diverged_to_exit():
            generator.fit(file, steps=steps, seed=seed, out=out, resume=resume, progress=True)
        report = generator.report
        assert report is not None
        if as_json:
            print((out / "report.json").read_text())
        else:
            speed = f"{report.items_per_second:.0f} sequences/s"
            say(f"{report.reason} at step {report.step} after {report.seconds / 60:.1f} min, {speed}")
            for alarm in report.alarms[-3:]:
                say(f"alarm: {alarm}")
            print(out / "model.safetensors")
        exit_if_interrupted(report)


def generate_sequences(model: str, out: Path, n: int, class_name: str | None, seed: int, as_json: bool) -> None:
    """Write `n` samples as FASTA, and say what was written.

    Parameters
    ----------
    model : file of a generator of sequences.
    out : FASTA file to write, new; gzipped where its name ends in `.gz`.
    n, class_name, seed : see `SequenceGenerator.sample`.
    as_json : print the summary as JSON.

    Raises
    ------
    InputError : no such model or class, or the file is there already.
    OutputError : the file cannot be written.
    """
    from neubauer.models.estimators.sequence_generator import SequenceGenerator
    from neubauer.sequences.write import write_fasta

    new_file(out, overwrite=False)
    generator = SequenceGenerator.load(model)
    samples = generator.sample(n, class_name, seed=seed)
    write_fasta(out, samples, generator.classes_of(n, class_name))
    if as_json:
        print(json.dumps({"file": str(out), "sequences": n}))
    else:
        say(f"{n} sequences of up to {max(map(len, samples))} letters")
        print(out)


def evaluate_sequences_command(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A generator of sequences (.safetensors).")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Real sequences that were not trained on.")],
    train: Annotated[
        Path | None,
        typer.Option(help="The sequences that were trained on: for the base lines, and to look for copies."),
    ] = None,
    n: Annotated[int, typer.Option("-n", "--number", min=20, help="Generated sequences.")] = 1000,
    motif: Annotated[
        list[str] | None, typer.Option(help="IUPAC motif to look for; default for DNA: TATAWAW. Repeatable.")
    ] = None,
    logo: Annotated[Path | None, typer.Option(help="Also draw sequence logos into this PNG file.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of samples and base lines.")] = 0,
    as_json: Json = False,
) -> None:
    """Compare generated sequences with real ones, beside Markov chains and shuffled sequences.

    Without --train the base lines are fitted to a random half of FILE, and the other half is compared.
    """
    with errors_to_exit():
        if logo is not None:
            new_file(logo, overwrite=False)
        from neubauer.models.sequences.evaluate import evaluate_files
        from neubauer.models.sequences.sample import TrainedSequenceGenerator

        with Display("measuring", "sequences", 0):
            generator = TrainedSequenceGenerator.load(model)
            scores = evaluate_files(generator, file, train, n=n, motifs=motif, logo=logo, seed=seed)
        print(json.dumps(scores)) if as_json else _table(scores)


def _table(scores: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    rows = {name: dict(_flat(row)) for name, row in scores["rows"].items()}
    table = Table("", *rows, title=f"{scores['n_fake']} generated against {scores['n_real']} real sequences")
    for key in dict.fromkeys(key for row in rows.values() for key in row):
        values = [row.get(key) for row in rows.values()]
        table.add_row(key, *("" if v is None else f"{v:.4g}" for v in values))
    Console().print(table)


def _flat(row: dict[str, Any]) -> list[tuple[str, float | None]]:
    """Nested tables as `name: inner`."""
    flat: list[tuple[str, float | None]] = []
    for key, value in row.items():
        flat += [(f"{key}: {k}", v) for k, v in value.items()] if isinstance(value, dict) else [(key, value)]
    return flat
