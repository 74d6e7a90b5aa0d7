"""Train a counter from points
===========================

The quickest annotation is a click on each cell. Here the simulator draws images of crowded cells and knows where each
one is; a small counter learns from thirty images with points, and counts ten others. The picture shows its counts
against the truth, with the 90 % intervals that it gives itself.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import neubauer as nb
from neubauer.models.counter.fit import FitSettings
from neubauer.models.labelfree.synthetic_set import write_synthetic_set
from neubauer.models.labelfree.synthetic_sources import find_source

PRESET, DIAMETER, SIDE = "nuclei-labelfree", 24, 256


def drawn(folder: Path, n: int, seed: int) -> Path:
    """So many images and their points, as `neubauer generate nuclei-labelfree --layouts N` writes them."""
    if not folder.exists():
        source, _ = find_source(PRESET, None, None)
        write_synthetic_set(source, folder, n, seed, SIDE)
    return folder


def main(out: Path) -> None:
    train, test = drawn(out / "train", 30, seed=1), drawn(out / "test", 10, seed=2)

    # %% A small network and few steps: less than a minute on two cores.
    settings = FitSettings(steps=700, batch=4, crop=96)
    counter = nb.CellCounter(diameter=DIAMETER, settings=settings, widths=(16, 24, 32), depths=(1, 1, 1))
    counter.fit(train / "images", train / "points", kind="points")

    # %% Count images that it has not seen.
    files = sorted((test / "images").iterdir())
    true, known = ([len(pd.read_csv(f)) for f in sorted((s / "points").iterdir())] for s in (test, train))
    found = [counter.predict(file).estimates["total"] for file in files]
    count = np.array([e.count for e in found])
    error, guess = np.abs(count - true).mean(), np.abs(np.mean(known) - true).mean()
    held = np.mean([e.low <= t <= e.high for e, t in zip(found, true, strict=True)])
    print(f"cells per image: {min(true)} to {max(true)}")
    print(f"mean error: {error:.1f} cells; of always saying the mean of the training images: {guess:.1f}")
    print(f"intervals that hold the truth: {held:.0%}")

    # %% Plot.
    figure, (plot, picture) = plt.subplots(1, 2, figsize=(9.5, 4.4), layout="constrained")
    reach = (count - [e.low for e in found], [e.high for e in found] - count)
    limit = 1.1 * max(*true, *count)
    plot.plot([0, limit], [0, limit], color="grey", lw=1)
    plot.errorbar(true, count, yerr=reach, fmt="o", capsize=3)
    plot.set(xlabel="true number of cells", ylabel="count, with 90 % interval", xlim=(0, limit), ylim=(0, limit))
    plot.set_title("images that were not trained on")
    cells = counter.predict(files[0])
    picture.imshow(nb.open_image(files[0]).read()[0], cmap="gray")
    picture.scatter(cells.table["centroid-1"], cells.table["centroid-0"], marker="+", color="tab:orange")
    picture.set_title(f"{round(count[0])} counted, {true[0]} true")
    picture.axis("off")
    figure.savefig(out / "train_from_points.png", dpi=110)
    print(out / "train_from_points.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("train_from_points"))
    main(parser.parse_args().out)
