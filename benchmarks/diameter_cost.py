"""What leaving the cell diameter to the program costs, and how right it is: the same images with it and without.

python benchmarks/diameter_cost.py
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import data_option, pairs_of
from report import write_result
from sources import FOLDS, parts

from neubauer.models.counter.scale_fit import typical_diameters
from neubauer.models.estimators.cell_counter import CellCounter

MODELS = ("nuclei-fluorescence", "nuclei-histology-nc", "blood-smear")
MOST = 25


def cost(model: str, data: Path) -> dict[str, Any]:
    """Over test images of the model's sources."""
    counter = CellCounter.load(model)
    items = [item for name in FOLDS[model].sets for item in parts(name, data)[0][:MOST]]
    pairs = pairs_of(items)
    given, left, ratios, off = [], [], [], []
    for pair, diameter in zip(pairs, typical_diameters(pairs), strict=True):
        if diameter is None:
            continue
        counter.predict(pair.source, diameter=diameter)  # warm
        seconds = []
        for asked in (diameter, None):
            start = time.perf_counter()
            cells = counter.predict(pair.source, diameter=asked)
            seconds.append(time.perf_counter() - start)
        given.append(seconds[0])
        left.append(seconds[1])
        ratios.append(seconds[1] / seconds[0])
        off.append(abs(np.log(float(cells.info["diameter"]) / diameter)))  # type: ignore[arg-type]
    return {
        "model": model,
        "images": len(ratios),
        "seconds, given": sum(given),
        "seconds, left to the program": sum(left),
        "ratio of sums": sum(left) / sum(given),
        "ratio, median": statistics.median(ratios),
        "error of the diameter, median": float(np.expm1(np.median(off))),
        "95th percentile": float(np.expm1(np.quantile(off, 0.95))),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    write_result("diameter_cost", {"rows": [cost(model, arguments.data) for model in MODELS]})


if __name__ == "__main__":
    main()
