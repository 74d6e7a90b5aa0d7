"""10,000 crops of 64 px on one thread: the bundled classifier against ResNet-18, in the same run.

Both classify the same 8-bit pixels. Ours is the whole prediction (normalisation, network, probabilities), in the
precision that it chooses for the machine, and in float32; ResNet-18 is the network alone, in the precisions and memory
formats of PyTorch, on pixels that are normalised already, with its normalisations folded too or as it comes.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections.abc import Callable
from unittest.mock import patch

import numpy as np
import torch
from report import write_result
from rival_classifier import ResNet18, fold
from torch import nn

from neubauer.models.classifier import network as classifier_network
from neubauer.models.estimators.cell_classifier import CellClassifier
from neubauer.nets.blocks import channels_last

BATCH = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="blood-cells")
    parser.add_argument("--crops", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    crops = np.random.default_rng(0).integers(0, 256, (arguments.crops, 3, 64, 64), np.uint8)
    classifier = CellClassifier.load(arguments.model)
    pixels = torch.from_numpy(classifier.normalise(crops))
    rival = ResNet18(3, 8).eval()
    folded = fold(copy.deepcopy(rival))

    def ours() -> None:
        classifier.probabilities(crops)

    def ours_float32() -> None:
        with patch.object(classifier_network, "bfloat16_is_fast", lambda device: False):
            classifier.probabilities(crops)

    ways: dict[str, Callable[[], None]] = {
        "neubauer": ours,
        "neubauer, float32": ours_float32,
        "ResNet-18, float32, as it comes": lambda: forward(rival, pixels, False, False),
        "ResNet-18, float32, folded, channels last": lambda: forward(folded, pixels, False, True),
        "ResNet-18, bfloat16, folded, channels last": lambda: forward(folded, pixels, True, True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.repeats):  # in turn, so that all meet the same load
        for name, run in ways.items():
            start = time.process_time()
            run()
            seconds[name].append(time.process_time() - start)
    best = {name: min(times) for name, times in seconds.items()}
    rows = [
        {
            "what": name,
            "seconds_cpu": round(value, 2),
            "crops_per_second": round(arguments.crops / value),
            "times_slower_than_neubauer": round(value / best["neubauer"], 2),
            "times_slower_than_neubauer_float32": round(value / best["neubauer, float32"], 2),
        }
        for name, value in best.items()
    ]
    what = f"{arguments.crops} crops of 64 x 64 px, RGB, one thread; processor time, best of {arguments.repeats}"
    parameters = {"neubauer": count(classifier.scorer.network), "ResNet-18": count(rival)}  # type: ignore[attr-defined]
    write_result("classify_speed", {"what": what, "parameters": parameters, "rows": rows})


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def forward(network: nn.Module, pixels: torch.Tensor, low_precision: bool, last: bool) -> None:
    layout = torch.channels_last if last else torch.contiguous_format
    network = channels_last(network) if last else network
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low_precision):
        for part in pixels.split(BATCH):
            network(part.to(memory_format=layout))


if __name__ == "__main__":
    main()
