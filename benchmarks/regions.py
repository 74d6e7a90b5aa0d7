"""Counting in regions of a 10,000 x 10,000 image: time and peak memory of `neubauer count`, against the whole image.

The image is one block of drawn nuclei, repeated. Each run is a process of its own with all tables and label images, on
one thread; time is that of the processor, as the operating system accounts for it, since others may use the machine.
The runs take turns.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from count_large import nuclei
from report import write_result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--model", default="nuclei-fluorescence")
    parser.add_argument("--turns", type=int, default=2)
    arguments = parser.parse_args()
    import tifffile

    n = arguments.size
    small, spread = n // 10, [(y, x) for y in range(4) for x in range(4)]
    cases: dict[str, list[tuple[int, int, int, int]] | None] = {
        "no regions": None,
        "one region, all of the image": [(0, 0, n, n)],
        "half of it": [(0, 0, n // 2, n)],
        "a tenth: ten regions, spread": [
            (i * small, (i * 3 % 10) * small, (i + 1) * small, (i * 3 % 10 + 1) * small) for i in range(10)
        ],
        "a hundredth: one region": [(4 * small, 4 * small, 5 * small, 5 * small)],
        "a hundredth: sixteen regions, spread": [
            (y * n // 4 + small, x * n // 4 + small, y * n // 4 + small + small // 4, x * n // 4 + small + small // 4)
            for y, x in spread
        ],
    }
    seconds: dict[str, list[float]] = {name: [] for name in cases}
    peaks: dict[str, list[float]] = {name: [] for name in cases}
    cells: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "large.tif"
        pixels = np.tile(nuclei(2000), (-(-n // 2000), -(-n // 2000)))[:n, :n]
        tifffile.imwrite(image, pixels, tile=(256, 256), compression="zlib")
        for turn in range(arguments.turns):
            for name, boxes in cases.items():
                out = Path(folder) / f"out-{turn}"
                command = [sys.executable, "-m", "neubauer", "count", str(image), "--model", arguments.model]
                command += ["--out", str(out), "--overwrite", "--no-overlays"]
                if boxes is not None:
                    table = Path(folder) / "boxes.csv"
                    rows = [f"{i},{y0},{x0},{y1},{x1}" for i, (y0, x0, y1, x1) in enumerate(boxes)]
                    table.write_text("\n".join(["region,y0,x0,y1,x1", *rows]) + "\n")
                    command += ["--regions", str(table)]
                process = subprocess.Popen(
                    command, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"}
                )
                _, status, used = os.wait4(process.pid, 0)
                if status:
                    raise SystemExit(f"{name}: failed")
                seconds[name].append(used.ru_utime + used.ru_stime)
                peaks[name].append(used.ru_maxrss / 1024**2)  # kB -> GB
                with open(out / "counts.csv", encoding="utf-8", newline="") as file:
                    cells[name] = int(next(csv.DictReader(file))["total"])
                print(name, seconds[name][-1], peaks[name][-1], cells[name], flush=True)
            report(n, arguments.model, seconds, peaks, cells)  # what a stopped benchmark leaves


def report(
    n: int, model: str, seconds: dict[str, list[float]], peaks: dict[str, list[float]], cells: dict[str, int]
) -> None:
    """Write what the turns gave so far."""
    whole = min(seconds["no regions"])
    rows_out: list[dict[str, Any]] = [
        {
            "regions": name,
            "cells": cells[name],
            "processor seconds": round(statistics.median(seconds[name]), 1),
            "least": round(min(seconds[name]), 1),
            "of the time without (least)": round(min(seconds[name]) / whole, 3),
            "peak memory, GB": round(max(peaks[name]), 2),
        }
        for name in seconds
    ]
    what = (
        f"`neubauer count` of a {n} x {n} image (16 bit, `{model}`), tables and label images, one thread: "
        f"median and least of {len(seconds['no regions'])} turns."
    )
    write_result("regions", {"what": what, "rows": rows_out})


if __name__ == "__main__":
    main()
