"""Counting in regions of a 10,000 x 10,000 image: time and peak memory of `neubauer count`, against the whole image.

The image is one block of drawn nuclei, repeated. Each run is a process of its own with all tables and label images, on
one thread; time is that of the processor, as the operating system accounts for it, since others may use the machine.
The runs take turns; a stopped benchmark goes on with `--go-on`.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from count_large import nuclei
from report import read_runs, write_result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--model", default="nuclei-fluorescence")
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--go-on", action="store_true", help="add what the result file lacks")
    arguments = parser.parse_args()
    import tifffile

    n = arguments.size
    small, spread = n // 10, [(y, x) for y in range(4) for x in range(4)]
    cases: dict[str, list[tuple[int, int, int, int]] | None] = {
        "no regions": None,
        "one region, all of the image": [(0, 0, n, n)],
        "a hundredth: one region": [(4 * small, 4 * small, 5 * small, 5 * small)],
        "a hundredth: sixteen regions, spread": [
            (y * n // 4 + small, x * n // 4 + small, y * n // 4 + small + small // 4, x * n // 4 + small + small // 4)
            for y, x in spread
        ],
        "a tenth: ten regions, spread": [
            (i * small, (i * 3 % 10) * small, (i + 1) * small, (i * 3 % 10 + 1) * small) for i in range(10)
        ],
        "half of it": [(0, 0, n // 2, n)],
    }
    runs: dict[str, list[dict[str, float]]] = read_runs("regions") if arguments.go_on else {}
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "large.tif"
        pixels = np.tile(nuclei(2000), (-(-n // 2000), -(-n // 2000)))[:n, :n]
        tifffile.imwrite(image, pixels, tile=(256, 256), compression="zlib")
        for turn in range(arguments.turns):
            for name, boxes in cases.items():
                if len(runs.get(name, ())) <= turn:
                    found = measure(image, boxes, arguments.model, Path(folder))
                    runs.setdefault(name, []).append(found)
                    print(name, found, flush=True)
                    report(n, arguments.model, {case: runs[case] for case in cases if case in runs})


def measure(image: Path, boxes: list[tuple[int, int, int, int]] | None, model: str, folder: Path) -> dict[str, float]:
    """Count in boxes (y0, x0, y1, x1), in a process of its own: its seconds, peak memory in GB, and cells."""
    out, table = folder / "out", folder / "boxes.csv"
    command = [sys.executable, "-m", "neubauer", "count", str(image), "--model", model]
    command += ["--out", str(out), "--overwrite", "--no-overlays"]
    if boxes is not None:
        rows = [f"{i},{y0},{x0},{y1},{x1}" for i, (y0, x0, y1, x1) in enumerate(boxes)]
        table.write_text("\n".join(["region,y0,x0,y1,x1", *rows]) + "\n")
        command += ["--regions", str(table)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"OMP_NUM_THREADS": "1"})
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{boxes}: failed")
    with open(out / "counts.csv", encoding="utf-8", newline="") as file:
        cells = int(next(csv.DictReader(file))["total"])
    return {"seconds": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss / 1024**2, "cells": cells}  # kB -> GB


def report(n: int, model: str, runs: dict[str, list[dict[str, float]]]) -> None:
    """Write what was measured so far."""
    least = {name: min(run["seconds"] for run in found) for name, found in runs.items()}
    rows: list[dict[str, Any]] = [
        {
            "regions": name,
            "runs": len(found),
            "cells": found[0]["cells"],
            "processor seconds": round(least[name], 1),
            "of the time without regions": round(least[name] / least["no regions"], 3),
            "peak memory, GB": round(max(run["peak"] for run in found), 2),
        }
        for name, found in runs.items()
    ]
    what = (
        f"`neubauer count` of a {n} x {n} image (16 bit, `{model}`), tables and label images, one thread of a machine "
        "that does other things, too; the least of the runs."
    )
    write_result("regions", {"what": what, "rows": rows, "runs": runs})


if __name__ == "__main__":
    main()
