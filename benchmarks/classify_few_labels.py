"""Few labels: a classifier from 10 labelled images per class and the rest unlabelled, by every semi-supervised recipe.

All recipes share network, augmentation, number of steps and of labelled and unlabelled images per step (only
feature-matching keeps its published batch of 100). `pbc` is reduced to 48 px, so that several seeds fit on one core. A
seed draws the split, the labelled images, the initial weights and everything else; what is chosen is chosen with
`--part validation`, on other images. Results are added to `results/classify_few_labels_SET.json` run by run, so that a
stopped benchmark goes on.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from datasets import data_option
from report import read_runs, write_result
from torch import Tensor
from torch.nn import functional as F

from neubauer.cells.read.class_folders import from_class_folders
from neubauer.gan.data.images import ImageSet, IntensityRange
from neubauer.gan.data.labelled import Augmentation
from neubauer.images.read import open_image
from neubauer.models.classifier.augment import CellAugmentation
from neubauer.models.classifier.semi_supervised import fit_semi_supervised, semi_supervised_recipes
from neubauer.models.estimators.cell_classifier import SMALL
from neubauer.nets.classifier import CellNet

WIDTHS = (16, 32, 64, 128)
TEST, VALIDATION = 3000, 3000


@dataclass(frozen=True)
class Task:
    """Labelled images, images without labels, and those to be judged by."""

    labelled: ImageSet
    unlabelled: ImageSet
    test: ImageSet
    augmentation: CellAugmentation | tuple[Augmentation, Augmentation]
    alignment: float


def reduce(images: np.ndarray, side: int) -> np.ndarray:
    """(N, C, Y, Y) uint8 -> (N, C, side, side), means over areas."""
    common = math.gcd(images.shape[2], side)
    up, down = side // common, images.shape[2] // common
    parts = []
    for x in np.array_split(images, 20):
        fine = torch.from_numpy(x).float().repeat_interleave(up, 2).repeat_interleave(up, 3)
        parts.append(F.avg_pool2d(fine, down).round().byte())
    return torch.cat(parts).numpy()


def draw_labelled(labels: np.ndarray, per_class: int) -> np.ndarray:
    """Places of the first `per_class` images of every class."""
    return np.concatenate([np.flatnonzero(labels == c)[:per_class] for c in np.unique(labels)])


def blood_cells(data: Path, side: int = 48) -> ImageSet:
    """`pbc`, reduced to a side of so many pixels."""
    found = from_class_folders(data / "pbc")
    order = sorted(range(len(found.files)), key=lambda i: str(found.files[i]))
    small = reduce(np.stack([open_image(found.files[i]).read() for i in order]), side)
    classes = tuple(sorted(set(found.names)))
    labels = np.array([classes.index(found.names[i]) for i in order])
    return ImageSet(small, IntensityRange.of(small), labels, classes)


def pbc(everything: ImageSet, seed: int, part: str, per_class: int = 10) -> Task:
    """A split of the blood cells. The validation images are the same for all seeds, so that what was chosen on them has
    never seen a test image."""
    validation, rest = np.split(np.random.default_rng(1000).permutation(len(everything)), [VALIDATION])
    test, train = np.split(np.random.default_rng([seed, 5]).permutation(rest), [TEST])
    assert everything.labels is not None
    chosen = draw_labelled(everything.labels[train], per_class)
    return Task(
        everything.subset(train[chosen]),
        everything.subset(np.delete(train, chosen)),
        everything.subset(test if part == "test" else validation),
        CellAugmentation(),
        alignment=0.0,  # the kinds are not equally many
    )


def digits(data: Path) -> tuple[ImageSet, ImageSet]:
    """MNIST's training and test images."""
    found = np.load(data / "mnist/mnist.npz")
    names = tuple(str(k) for k in range(10))
    train, test = (
        ImageSet(x, IntensityRange.of(x), y.astype(np.int64), names)
        for x, y in ((found[f"x_{part}"][:, None], found[f"y_{part}"]) for part in ("train", "test"))
    )
    return train, test


def mnist(everything: tuple[ImageSet, ImageSet], seed: int, part: str, per_class: int = 10) -> Task:
    """100 labelled digits; the test set is the standard one, the validation part is taken from the training set."""
    train, test = everything
    order = np.random.default_rng([seed, 5]).permutation(len(train))
    if part == "validation":
        test, order = train.subset(order[:5000]), order[5000:]
    assert train.labels is not None
    chosen = draw_labelled(train.labels[order], per_class)
    augmentation = warp(0.0, 1.0, 0.0, 0.07, 0.0), warp(0.35, 1.25, 0.25, 0.1, 0.25)
    return Task(train.subset(order[chosen]), train.subset(np.delete(order, chosen)), test, augmentation, alignment=1.0)


def warp(turn: float, scale: float, shear: float, shift: float, erase: float) -> Augmentation:
    """Digits have an up and a left: turned by up to `turn` (rad), scaled, sheared and shifted (share of the side) only
    a little, with a black hole at a probability of `erase`."""

    def changed(x: Tensor, generator: torch.Generator) -> Tensor:
        n = len(x)

        def draw(limit: float) -> Tensor:
            return (torch.rand(n, generator=generator) * 2 - 1) * limit

        angle, zoom, slant = draw(turn), draw(math.log(scale)).exp(), draw(shear)
        cos, sin = angle.cos() / zoom, angle.sin() / zoom
        rows = [cos, slant * cos - sin, 2 * draw(shift), sin, slant * sin + cos, 2 * draw(shift)]
        grid = F.affine_grid(torch.stack(rows, 1).view(n, 2, 3), list(x.shape), align_corners=False)
        x = F.grid_sample(x + 1, grid, align_corners=False) - 1  # outside is black: -1
        side = x.shape[2]
        at = torch.arange(side) / side
        inside = (torch.rand(n, 1, 1, 1, generator=generator) < erase).expand(n, 1, side, side)
        for shape in ((1, 1, side, 1), (1, 1, 1, side)):
            inside = inside & ((at.view(shape) - torch.rand(n, 1, 1, 1, generator=generator)).abs() < 0.15)
        return x.masked_fill(inside, -1)

    return changed


@torch.no_grad()
def predict(network: torch.nn.Module, images: ImageSet) -> np.ndarray:
    """(N,) class indices."""
    x = torch.from_numpy(images.intensity.normalise(images.images))
    return torch.cat([network(part).argmax(1) for part in x.split(500)]).numpy()


def one(task: Task, recipe: str, seed: int, steps: int) -> dict[str, float]:
    """Train and test once."""
    torch.manual_seed(seed)
    channels, side, _ = task.labelled.shape
    stride: Literal[1, 2] = 1 if side < SMALL else 2
    network = CellNet(channels, len(task.labelled.classes), widths=WIDTHS, stem_stride=stride)
    start = time.monotonic()
    changes = {"alignment": task.alignment}
    fit_semi_supervised(
        network, task.labelled, task.unlabelled, recipe, changes, steps=steps, seed=seed, augmentation=task.augmentation
    )
    seconds = time.monotonic() - start
    found, truth = predict(network, task.test), task.test.labels
    assert truth is not None
    recalls = [float((found[truth == c] == c).mean()) for c in np.unique(truth)]
    return {
        "error": float((found != truth).mean()),
        "balanced_error": 1 - float(np.mean(recalls)),
        "seconds": round(seconds),
        "steps": steps,
    }


def summarise(runs: dict[str, dict[str, float]]) -> list[dict[str, object]]:
    """Mean and spread per recipe, best first; its error over that of the supervised control, seed by seed."""
    rows: list[dict[str, object]] = []
    for recipe in sorted({key.rsplit("-", 1)[0] for key in runs}):
        mine = {key.rsplit("-", 1)[1]: run for key, run in runs.items() if key.rsplit("-", 1)[0] == recipe}
        errors = np.array([run["error"] for run in mine.values()])
        control = {s: runs[f"supervised-{s}"]["error"] for s in mine if f"supervised-{s}" in runs}
        ratio = sum(mine[s]["error"] for s in control) / sum(control.values()) if control else None
        rows.append(
            {
                "recipe": recipe,
                "seeds": len(mine),
                "error_mean": round(float(errors.mean()), 4),
                "error_sd": round(float(errors.std(ddof=1)), 4) if len(mine) > 1 else None,
                "balanced_error_mean": round(float(np.mean([run["balanced_error"] for run in mine.values()])), 4),
                "of_supervised": None if ratio is None else round(ratio, 3),
                "seconds_mean": round(float(np.mean([run["seconds"] for run in mine.values()]))),
            }
        )
    return sorted(rows, key=lambda row: float(str(row["error_mean"])))


ANCHORS = {
    "pbc": {"target": "at most 0.6 of the supervised error, and below pseudo-label"},
    "mnist": {"target": 0.009, "feature matching (Salimans 2016)": 0.0093, "BadGAN (Dai 2017)": 0.0080},
}
STEPS = {"pbc": 1500, "mnist": 12_000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=list(ANCHORS))
    parser.add_argument("--recipes", nargs="+", choices=semi_supervised_recipes(), default=semi_supervised_recipes())
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--steps", type=int, help="default: 1500 for pbc, 12000 for mnist")
    parser.add_argument("--part", choices=["test", "validation"], default="test")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    name = f"classify_few_labels_{arguments.set}" + ("" if arguments.part == "test" else "_validation")
    steps = arguments.steps or STEPS[arguments.set]
    if steps != STEPS[arguments.set]:
        name += f"_{steps}"
    everything = blood_cells(arguments.data) if arguments.set == "pbc" else digits(arguments.data)
    for seed in arguments.seeds:
        for recipe in arguments.recipes:
            if f"{recipe}-{seed}" in read_runs(name):
                continue
            if isinstance(everything, ImageSet):
                task = pbc(everything, seed, arguments.part)
            else:
                task = mnist(everything, seed, arguments.part)
            run = one(task, recipe, seed, steps)
            runs = {**read_runs(name), f"{recipe}-{seed}": run}
            counts = {"labelled": len(task.labelled), "unlabelled": len(task.unlabelled), "test": len(task.test)}
            anchors = ANCHORS[arguments.set]
            write_result(name, {"images": counts, "anchors": anchors, "rows": summarise(runs), "runs": runs})


if __name__ == "__main__":
    main()
