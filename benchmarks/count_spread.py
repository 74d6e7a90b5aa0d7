"""How much do the bundled counters' scores depend on the split and on chance?

The recipes of `nuclei-fluorescence` and `blood-smear`, with fewer steps, for several seeds of split, weights and crops.
Results are added to `results/count_spread.json` run by run, so that a stopped benchmark goes on.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import torch
from datasets import data_option, pairs_of
from report import read_runs, write_result
from train_bundled import RECIPES, parts_of, train

from neubauer.models.counter.evaluate import Scores, evaluate_counter

NAME = "count_spread"
STEPS = {"nuclei-fluorescence": 2000, "blood-smear": 1200}
SHOWN = ("ap50", "ap75", "ap", "ap50_by_image", "f1", "mae", "interval_coverage")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--names", nargs="+", choices=STEPS, default=list(STEPS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--threads", type=int, default=1)
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for name in arguments.names:
        for seed in arguments.seeds:
            if f"{name} {seed}" in read_runs(NAME):
                continue
            recipe = replace(RECIPES[name], seed=seed, steps=STEPS[name])
            parts = parts_of(recipe, arguments.data)
            counter = train(recipe, parts, recipe.steps)
            scores = {part: evaluate_counter(counter, pairs_of(items))[0] for part, items in parts.tests.items()}
            sizes = {part: len(items) for part, items in parts.tests.items()}
            run = {"minutes": counter.config.training["minutes"], "test_images": sizes, "scores": scores}
            write_result(NAME, summarise({**read_runs(NAME), f"{name} {seed}": run}))


def summarise(runs: dict[str, dict]) -> dict[str, object]:
    """Mean and standard deviation over the runs, per model, test set and class."""
    rows = []
    for name in STEPS:
        mine = [run for key, run in runs.items() if key.rsplit(" ", 1)[0] == name]
        for part in mine[0]["scores"] if mine else []:
            found: list[Scores] = [run["scores"][part] for run in mine]
            for group in found[0]:
                row: dict[str, object] = {"recipe": name, "test set": part, "class": group, "seeds": len(mine)}
                row["steps"], row["minutes"] = STEPS[name], round(float(np.mean([r["minutes"] for r in mine])), 1)
                for score in SHOWN:
                    values = [s[group][score] for s in found if score in s[group]]
                    if values:
                        row[score] = f"{np.mean(values):.3f} ± {np.std(values, ddof=min(1, len(values) - 1)):.3f}"
                rows.append(row)
    return {"rows": rows, "runs": runs}


if __name__ == "__main__":
    main()
