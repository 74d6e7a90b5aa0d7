"""Generated promoters: nearer to held-out real ones than Markov chains are?

`human`: 2,929 human TATA promoters of 300 bases; a fixed fifth tests, the rest trains (a tenth of that is the
monitor's). Generated sequences, and as many of Markov chains of order 3 and 5 and of shuffled ones, are compared with
the test part.
`coli`: 106 sequences of 57 bases in two classes, five folds. The question there is how well a classifier does on real
sequences that was trained on generated ones; with 21 or 22 test sequences per fold this is very noisy.

Results are added to `results/sequences.json` run by run, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import data_option
from report import read_runs, write_result

from neubauer.cli.common import changes_of
from neubauer.models.estimators.sequence_generator import SequenceGenerator
from neubauer.models.sequences.evaluate import evaluate_sequences
from neubauer.models.sequences.pictures import draw_logos
from neubauer.sequences.read import SequenceSet, read_sequences

NAME = "sequences"
FOLDS = 5
FILES = {"human": "dna/hs_pos_TATA.txt", "coli": "dna/promoters.data"}
MOTIFS = {"human": ["TATAWAW"], "coli": ["TATAAT", "TTGACA"]}
SAMPLES = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=FILES, required=True, dest="data_set")
    parser.add_argument("--recipe", default="dna-draft")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--change", nargs="*", default=[], help="KEY=VALUE, as --set of `neubauer train sequences`")
    parser.add_argument("--label", help="name of the method in the table; default: the recipe")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2], help="for `coli`: the folds")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=Path, help="keep the run folders here")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    everything = read_sequences(arguments.data / FILES[arguments.data_set])
    for seed in arguments.seeds:
        key = f"{arguments.data_set} {arguments.label or arguments.recipe} {seed}"
        if key not in read_runs(NAME):
            run = one(arguments, everything, seed, key)
            write_result(NAME, summarise({**read_runs(NAME), key: run}))


def one(arguments: argparse.Namespace, everything: SequenceSet, seed: int, key: str) -> dict[str, Any]:
    """Train and compare once."""
    known, held_out = split(everything, seed if everything.classes else None)
    model = SequenceGenerator(arguments.recipe, changes_of(arguments.change))
    start = time.monotonic()
    folder = arguments.runs / key.replace(" ", "-") if arguments.runs else None
    resume = folder is not None and (folder / "checkpoint.safetensors").exists()
    classes = known.classes or None
    model.fit(known.sequences, classes, steps=arguments.steps, seed=seed, out=folder, resume=resume)
    minutes = (time.monotonic() - start) / 60
    made = SequenceSet(tuple(model.sample(SAMPLES, seed=seed)), known.alphabet, tuple(model.classes_of(SAMPLES)))
    if folder is not None:
        sets = {"real, not trained on": held_out, "generated": made}
        draw_logos({t: s.alphabet.indices(s.sequences) for t, s in sets.items()}, known.alphabet, folder / "logos.png")
    scores = evaluate_sequences(made, held_out, known, motifs=MOTIFS[arguments.data_set], seed=seed)
    report = model.report
    assert report is not None
    return {
        **scores,
        "steps": report.step,
        "minutes": round(minutes, 1),
        "alarms": sorted({alarm.kind for alarm in report.alarms}),
        "changes": changes_of(arguments.change),
    }


def split(everything: SequenceSet, fold: int | None) -> tuple[SequenceSet, SequenceSet]:
    """Known and held-out sequences: the same fifth always, or one of five parts with the same share of each class."""
    order = np.random.default_rng(0).permutation(len(everything))
    if fold is None:
        n = round(len(everything) / FOLDS)
        return everything.subset(order[n:].tolist()), everything.subset(order[:n].tolist())
    by_class = sorted(order.tolist(), key=lambda i: everything.classes[i])
    return (
        everything.subset([i for place, i in enumerate(by_class) if place % FOLDS != fold]),
        everything.subset(by_class[fold::FOLDS]),
    )


def summarise(runs: Mapping[str, Any]) -> dict[str, Any]:
    """One row per set and method, mean and standard deviation over the runs."""
    rows = []
    for data_set in FILES:
        labels = list(dict.fromkeys(key.split()[1] for key in runs if key.startswith(data_set)))
        for label in labels:
            mine = [run for key, run in runs.items() if key.split()[:2] == [data_set, label]]
            methods = ["generated"] if label != labels[0] else list(mine[0]["rows"])
            for method in methods:
                rows.append(
                    {"set": data_set, "sequences": label if method == "generated" else method} | _row(mine, method)
                )
    return {
        "title": "Generated promoters",
        "what": f"{SAMPLES} sequences against real ones that were not trained on; mean ± standard deviation over "
        "runs. k-mers: Jensen-Shannon divergence, millibits; composition: total variation distance of the letters at a "
        "position; motif: difference in matches per sequence, summed over bins of 5 positions; copy z: below -3, "
        "samples lie nearer to training sequences than held-out ones do; classifier: balanced accuracy on real ones. "
        "`known` are the training sequences: what real ones reach.",
        "rows": rows,
        "runs": dict(runs),
    }


def _row(runs: list[dict[str, Any]], method: str) -> dict[str, Any]:
    found = [run["rows"][method] for run in runs]
    row: dict[str, Any] = {"runs": len(runs)}
    for k in (3, 4, 5, 6):
        row[f"{k}-mers"] = _mean([1e3 * f[f"kmer-{k}"] for f in found])
    row["composition"] = _mean([f["composition"] for f in found])
    for motif in [name for name in found[0] if name.startswith("motif ")]:
        row[motif] = _mean([f[motif]["distance"] for f in found])
        row["at peak"] = _mean([f[motif]["fake"] for f in found])
    row["GC deviation ratio"] = _mean([f["gc_deviation_ratio"] for f in found])
    row["diversity"] = _mean([f["diversity"] for f in found])
    row["classifier"] = _mean([f["classifier"] for f in found])
    if "memorisation" in found[0]:
        row["nearest"] = _mean([f["memorisation"]["fake_minimum"] for f in found])
        row["copy z"] = _mean([f["memorisation"]["z"] for f in found])
    if method == "generated":
        row["steps"] = runs[0]["steps"]
        row["minutes"] = _mean([run["minutes"] for run in runs])
    return row


def _mean(values: list[float]) -> str:
    spread = f" ± {np.std(values, ddof=1):.2g}" if len(values) > 1 else ""
    return f"{np.mean(values):.3g}{spread}"


if __name__ == "__main__":
    main()
