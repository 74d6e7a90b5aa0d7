"""A 10,000 x 10,000 image of 16 bit: peak memory and time of `neubauer count`, and tiled against untiled.

The nuclei are drawn from a seed. Memory is that of the whole process, as the operating system accounts for it.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from report import write_result


def nuclei(size: int, seed: int = 0) -> np.ndarray:
    """(Y, X) uint16 image of blurred ellipses, about 24 pixels wide, one per 50 x 50 pixels."""
    from scipy import ndimage as ndi

    rng = np.random.default_rng(seed)
    image = np.zeros((size, size), np.float32)
    y, x = np.mgrid[-20:21, -20:21]
    for _ in range((size // 50) ** 2):
        cy, cx = rng.integers(20, size - 21, 2)
        a, b, t = rng.uniform(8, 14), rng.uniform(8, 14), rng.uniform(0, np.pi)
        u, v = y * np.cos(t) + x * np.sin(t), x * np.cos(t) - y * np.sin(t)
        window = image[cy - 20 : cy + 21, cx - 20 : cx + 21]
        np.maximum(window, rng.uniform(1500, 4000) * ((u / a) ** 2 + (v / b) ** 2 < 1), out=window)
    image = ndi.gaussian_filter(image, 1.5) + rng.normal(300, 40, image.shape).astype(np.float32)
    return np.clip(image, 0, 65535).astype(np.uint16)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=10_000)
    parser.add_argument("--model", default="nuclei-fluorescence")
    parser.add_argument("--compare", type=int, default=3000, help="side of the image for tiled against untiled")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    import tifffile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.tif"
        block = nuclei(2000)
        n = -(-arguments.size // 2000)
        tifffile.imwrite(
            path, np.tile(block, (n, n))[: arguments.size, : arguments.size], tile=(256, 256), compression="zlib"
        )
        command = [sys.executable, "-m", "neubauer.cli.main", "count", str(path), "--model", arguments.model]
        start = time.monotonic()
        subprocess.run([*command, "--out", str(Path(folder) / "out")], check=True)
        seconds = time.monotonic() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2  # kB -> GB
        objects = len((Path(folder) / "out" / "objects.csv").read_text().splitlines()) - 1

    import torch

    from neubauer.models.estimators.cell_counter import CellCounter

    torch.set_num_threads(arguments.threads)
    counter = CellCounter.load(arguments.model)
    image = np.tile(block, (2, 2))[: arguments.compare, : arguments.compare]
    whole = counter.predict(image, diameter=24, tile=arguments.compare + (-arguments.compare) % 16)
    tiled = counter.predict(image, diameter=24, tile=512)
    assert whole.labels is not None
    assert tiled.labels is not None
    rows = [
        {"what": f"{arguments.size} x {arguments.size}, 16 bit: peak memory, GB", "value": round(peak, 2)},
        {"what": "seconds, all outputs", "value": round(seconds, 1)},
        {"what": "objects", "value": objects},
        {"what": f"{arguments.compare} x {arguments.compare} in one piece: objects", "value": len(whole)},
        {"what": "in tiles of 512: objects", "value": len(tiled)},
        {"what": "pixels with another label", "value": int((whole.labels != tiled.labels).sum())},
    ]
    write_result(
        "count_large", {"what": "`neubauer count` with all outputs; tiled against untiled prediction.", "rows": rows}
    )


if __name__ == "__main__":
    main()
