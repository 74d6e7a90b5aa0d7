"""Seconds per 512 x 512 tile on one thread: the counter, and the networks of StarDist and Cellpose 3.

The counter is timed with its decoder, the others without. The methods take turns, so that a drift of the machine's
speed hits all of them; medians and ratios are reported.
Ours computes in bfloat16 where the CPU multiplies it; the others do not by themselves, and are timed both ways.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from count_large import nuclei
from report import write_result
from rival_nets import CellposeNet, StarDistNet

from neubauer.images.read import from_array
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.nets.blocks import channels_last

OURS = "neubauer, network and decoder"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="nuclei-fluorescence")
    parser.add_argument("--runs", type=int, default=15)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    counter = CellCounter.load(arguments.model)
    # drawn nuclei about 24 pixels wide, at the scale of the model
    image = nuclei(512)
    source = from_array(image)
    diameter = counter.config.layout_diameter
    inputs = torch.rand(1, 2, 512, 512)
    stardist = channels_last(StarDistNet().eval())
    cellpose = channels_last(CellposeNet().eval())

    def ours() -> None:
        counter.locate(source, diameter=diameter)

    def run(network: torch.nn.Module, channels: int, low: bool = False) -> Callable[[], None]:
        def forward() -> None:
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low):
                network(inputs[:, :channels].contiguous(memory_format=torch.channels_last))

        return forward

    methods = {
        OURS: ours,
        "StarDist, network, float32 (as published)": run(stardist, 1),
        "StarDist, network, bfloat16": run(stardist, 1, low=True),
        "Cellpose 3, network, float32 (as published)": run(cellpose, 2),
        "Cellpose 3, network, bfloat16": run(cellpose, 2, low=True),
    }
    seconds: dict[str, list[float]] = {name: [] for name in methods}
    for i in range(arguments.runs + 2):
        for name, method in methods.items():
            start = time.perf_counter()
            method()
            if i >= 2:
                seconds[name].append(time.perf_counter() - start)
    base = seconds[OURS]
    rows = []
    for name, values in seconds.items():
        ratios = [v / b for v, b in zip(values, base, strict=True)]
        rows.append(
            {
                "method": name,
                "median_s": round(statistics.median(values), 4),
                "min_s": round(min(values), 4),
                "max_s": round(max(values), 4),
                "ratio_median": round(statistics.median(ratios), 2),
            }
        )
    _, objects, _ = counter.locate(source, diameter=diameter)
    write_result("count_speed", {"runs": arguments.runs, "objects_in_tile": len(objects), "rows": rows})


if __name__ == "__main__":
    main()
