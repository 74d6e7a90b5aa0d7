"""Count without any annotation
============================

Only images, and roughly how large a cell is: a simulator is fitted to the images, a counter learns from what it draws,
then from what it finds in the images themselves. The images here are drawn too, so that the truth is known: it is only
compared with. They are drawn by the recipe that the counter also begins from, and are counted after it has learnt from
them; real images are harder. The training is half of the usual one, with small images and a small network: it takes a
minute.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

import neubauer as nb
from neubauer.gan.config.base import merge, validate
from neubauer.gan.config.labelfree import LabelFreeConfig
from neubauer.models.counter.fit import FitSettings
from neubauer.models.labelfree.synthetic_set import write_synthetic_set
from neubauer.models.labelfree.synthetic_sources import find_source
from neubauer.recipes import load_recipe

RECIPE, DIAMETER, SIDE = "nuclei-labelfree", 24, 192
SHORT = {
    "warm_steps": 500,
    "steps": 300,
    "rounds": 1,
    "twin_steps": 0,
    "renderings": 40,
    "side": SIDE,
    "batch": 4,
    "crop": 128,
    "painter": {"steps": 0},
}


def main(out: Path) -> None:
    if not (out / "set").exists():
        write_synthetic_set(find_source(RECIPE, None, None)[0], out / "set", 16, 3, SIDE)
    images = out / "set" / "images"

    # %% Learn from the images alone.
    config = validate(LabelFreeConfig, merge(load_recipe(RECIPE), SHORT), RECIPE)
    counter = nb.CellCounter(diameter=DIAMETER, settings=FitSettings(seed=0), widths=(16, 24, 32), depths=(1, 1, 1))
    with warnings.catch_warnings(record=True) as doubts:
        warnings.simplefilter("always")
        counter.fit(images, labelfree=config, preview=out / "understood.png")
    for doubt in doubts:
        if issubclass(doubt.category, UserWarning):
            print(f"doubt: {doubt.message}")

    # %% Count them, and compare with the truth.
    files = sorted(images.iterdir())
    true = np.array([len(pd.read_csv(f)) for f in sorted((out / "set" / "points").iterdir())])
    found = [counter.predict(file).estimates["total"] for file in files]
    count = np.array([e.count for e in found])
    print(f"cells per image: {true.min()} to {true.max()}")
    print(f"mean error: {np.abs(count - true).mean():.1f} cells, {np.abs(count - true).sum() / true.sum():.0%}")

    # %% Plot.
    figure, (plot, picture) = plt.subplots(1, 2, figsize=(11, 4.6), width_ratios=(2, 3), layout="constrained")
    reach = (count - [e.low for e in found], [e.high for e in found] - count)
    limit = 1.1 * max(*true, *[e.high for e in found])
    plot.plot([0, limit], [0, limit], color="grey", lw=1)
    plot.errorbar(true, count, yerr=reach, fmt="o", capsize=3)
    plot.set(xlabel="true number of cells", ylabel="count, with 90 % interval", xlim=(0, limit), ylim=(0, limit))
    plot.set_title("nothing was annotated")
    picture.imshow(Image.open(out / "understood.png"))
    picture.set_title("images, what was found in them, and that drawn again")
    picture.axis("off")
    figure.savefig(out / "label_free.png", dpi=110)
    print(out / "label_free.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("label_free"))
    main(parser.parse_args().out)
