"""Ten labels a class
==================

Somebody has named ten images of each class, and there are many without a name. The same network learns from the named
ones alone, and from both (FixMatch). The images are drawn here, noisy discs, rings and dividing cells, so that the
truth is known.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import neubauer as nb
from neubauer.models.classifier.fit import FitSettings

KINDS = ("dividing", "disc", "ring")
LABELS, STEPS, SIDE, NOISE = 10, 300, 24, 0.5


def cells(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 1, SIDE, SIDE) images of the three kinds in turn, and their names."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:SIDE, :SIDE]
    cy, cx = rng.uniform(0.4 * SIDE, 0.6 * SIDE, (2, n, 1, 1))
    radius, angle = rng.uniform(0.22 * SIDE, 0.4 * SIDE, (n, 1, 1)), rng.uniform(0, 2 * np.pi, (n, 1, 1))
    distance = np.hypot(y - cy, x - cx)
    disc = distance < radius
    ring = disc & (distance > 0.45 * radius)
    dividing = disc & (np.abs((y - cy) * np.cos(angle) + (x - cx) * np.sin(angle)) > 1.5)
    kind = np.arange(n) % 3
    shape = np.choose(kind[:, None, None], (dividing, disc, ring))
    pixels = shape * rng.uniform(0.4, 0.9, (n, 1, 1)) + rng.normal(0, NOISE, (n, SIDE, SIDE))
    return (255 * (0.3 + 0.5 * pixels).clip(0, 1)).astype(np.uint8)[:, None], np.array(KINDS)[kind]


def main(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)

    # %% Ten of each kind with a name, many without, and 600 to test by.
    named, names = cells(3 * LABELS, seed=0)
    unnamed, _ = cells(900, seed=1)
    test, truth = cells(600, seed=2)

    # %% Train twice.
    settings, found = FitSettings(steps=STEPS, batch=64), {}
    for recipe, more in (("names alone", None), ("fixmatch", unnamed)):
        classifier = nb.CellClassifier(settings=settings, recipe=None if more is None else recipe)
        classifier.fit(named, list(names), more)
        guessed = np.array(classifier.config.classes)[classifier.predict_proba(test).argmax(1)]
        found[recipe] = guessed
        print(f"{recipe}: {np.mean(guessed == truth):.1%} of {len(test)} images right")

    # %% Plot what only one of them gets right.
    figure, axes = plt.subplots(2, 8, figsize=(9, 3), layout="constrained")
    right = {recipe: guessed == truth for recipe, guessed in found.items()}
    for row, (good, bad) in zip(axes, (("fixmatch", "names alone"), ("names alone", "fixmatch")), strict=True):
        chosen = np.flatnonzero(right[good] & ~right[bad])
        row[0].set_title(f"only right by {good}: {len(chosen)}", loc="left", fontsize=9)
        for axis, i in zip(row, chosen, strict=False):
            axis.imshow(test[i, 0], cmap="gray_r")
            axis.set_xlabel(f"{truth[i]}, not {found[bad][i]}", fontsize=8)
        for axis in row:
            axis.set(xticks=[], yticks=[])
        for axis in row[len(chosen) :]:
            axis.set_frame_on(False)
    figure.savefig(out / "ten_labels_a_class.png", dpi=110)
    print(out / "ten_labels_a_class.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("ten_labels_a_class"))
    main(parser.parse_args().out)
