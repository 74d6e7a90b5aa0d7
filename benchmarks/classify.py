"""Blood cells with all labels: the network against the methods that came before it.

`pbc` at 64 px is split 70 / 10 / 20 by a seed; one line per method. The network's line is that of the bundled model,
which `train_bundled_classifier.py` trains on the images of seed 0 and measures on the same test images. Results are
added to `results/classify.json` run by run, so that a stopped benchmark goes on.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import torch
from blood_cells import DIAMETER, split_pbc
from datasets import data_option
from report import RESULTS, read_runs, write_result

from neubauer.models.classifier.evaluate import evaluate_classifier
from neubauer.models.classifier.fit import FitSettings
from neubauer.models.estimators.cell_classifier import CellClassifier

NAME = "classify"
METHODS = ("svm", "forest", "cnn")
SCORES = ("accuracy", "balanced_accuracy", "auc", "calibration_error")
ANCHORS = {
    "target": {"accuracy": 0.98, "auc": 0.999},
    "ResNet-18 on BloodMNIST at 28 px": {"accuracy": 0.958, "auc": 0.998},
    "Google AutoML on BloodMNIST at 28 px": {"accuracy": 0.966},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--steps", type=int, default=1000, help="of the plain network")
    parser.add_argument("--threads", type=int, default=1)
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    for seed in arguments.seeds:
        train, test = split_pbc(arguments.data, seed)
        for method in arguments.methods:
            key = f"{method}-{seed}"
            if key in read_runs(NAME):
                continue
            settings = FitSettings(steps=arguments.steps, seed=seed)
            classifier = CellClassifier(method=method, settings=settings, validation=0.125, diameter=DIAMETER)
            start = time.monotonic()
            classifier.fit(train.files, train.names)
            minutes = (time.monotonic() - start) / 60
            scores = evaluate_classifier(classifier, test.files, test.names)
            run = {name: getattr(scores, name) for name in SCORES}
            write_result(NAME, summarise({**read_runs(NAME), key: run | {"minutes": minutes, "test_images": scores.n}}))


def summarise(runs: dict[str, dict[str, float]]) -> dict[str, object]:
    """Mean per method, and the spread where there are several seeds."""
    rows: list[dict[str, object]] = []
    for method in METHODS:
        mine = [run for key, run in runs.items() if key.startswith(f"{method}-")]
        if mine:
            row: dict[str, object] = {"method": method, "seeds": len(mine)}
            for name in (*SCORES, "minutes"):
                values = np.array([run[name] for run in mine])
                row[name] = round(float(values.mean()), 4)
                if len(mine) > 1:
                    row[f"{name}_sd"] = round(float(values.std(ddof=1)), 4)
            rows.append(row)
    bundled = json.loads((RESULTS / "classify_bundled.json").read_text())
    scores = {name: round(bundled["pbc"][name], 4) for name in SCORES}
    rows.append({"method": "network (bundled)", "seeds": 1, **scores, "minutes": bundled["training"]["minutes"]})
    return {"rows": rows, "anchors": ANCHORS, "runs": runs}


if __name__ == "__main__":
    main()
