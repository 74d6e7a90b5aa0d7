"""The plain float32 loop of `gan_speed.py` in its own process, without what the trainer sets for a whole process.

Arguments: batch, size, threads. Each line of the standard input is a number of steps; the answer is their time.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import torch
from gan_speed import loop
from torch import Tensor

from neubauer.gan.data.images import images_from_array


def main() -> None:
    batch, size, threads = (int(a) for a in sys.argv[1:4])
    torch.set_num_threads(threads)
    rng = np.random.default_rng(0)
    data = images_from_array(rng.integers(0, 255, (1024, 3, size, size), dtype=np.uint8))

    def batches() -> Tensor:
        return data.batch(rng.integers(0, len(data), batch), rng)["image"]

    step = loop(batches, size, fast=False)
    for line in sys.stdin:
        start = time.perf_counter()
        for _ in range(int(line)):
            step()
        print(json.dumps({"seconds": time.perf_counter() - start, "versions": torch.__version__}), flush=True)


if __name__ == "__main__":
    main()
