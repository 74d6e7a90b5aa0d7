"""One class cut to 20 images: its recall with generated images, beside the best without.

`pbc` at 32 px, all other classes whole. A seed draws the split, the 20 images, generator and classifier. The
share of generated images among the additions and the control (nothing added, or repeats alone) are chosen on
validation images, recall is that of test images. Results are added to `results/classify_rare_class.json` seed by seed.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from classify_few_labels import WIDTHS, blood_cells, read_runs
from datasets import data_option
from report import write_result
from scipy.stats import ttest_1samp

from neubauer.gan.data.images import ImageSet
from neubauer.models.classifier.fit import FitSettings, fit_network
from neubauer.models.classifier.generated import Fit, GenerationSettings, augment_by_generation
from neubauer.models.estimators.image_generator import ImageGenerator
from neubauer.nets.classifier import CellNet

NAME = "classify_rare_class"
LEFT = 20
TEST, VALIDATION = 3000, 2000
GENERATOR = {
    **GenerationSettings().changes,
    "generator": {"widths": [128, 64, 32]},
    "training": {"monitor": {"every": 0}, "preview_every": 0},
}


def split(images: ImageSet, rare: str, seed: int) -> tuple[ImageSet, ImageSet, ImageSet]:
    """Training images with `LEFT` of the rare class, validation and test images."""
    order = np.random.default_rng([seed, 6]).permutation(len(images))
    test, validation, train = np.split(order, [TEST, TEST + VALIDATION])
    assert images.labels is not None
    mine = images.labels[train] == images.classes.index(rare)
    train = np.concatenate([train[~mine], train[mine][:LEFT]])
    return images.subset(train), images.subset(validation), images.subset(test)


def classifier(steps: int) -> Fit:
    """(images, seed) -> network, trained as `CellClassifier` does."""

    def fit(images: ImageSet, seed: int) -> CellNet:
        torch.manual_seed(seed)
        network = CellNet(images.shape[0], len(images.classes), widths=WIDTHS)
        return fit_network(network, images, FitSettings(steps=steps, seed=seed))

    return fit


def one(
    images: ImageSet, rare: str, seed: int, steps: int, generator_steps: int, runs: Path | None
) -> dict[str, object]:
    """One split: the report of `augment_by_generation`, and how long it took."""
    train, validation, test = split(images, rare, seed)
    settings = GenerationSettings(
        changes=GENERATOR, steps=generator_steps, rare=(rare,), shares=(0.25, 0.75), seeds=1, seed=seed
    )
    run = runs and runs / f"{rare}-{seed}"
    known = ImageGenerator.load(run / "model.safetensors") if run and (run / "model.safetensors").exists() else None
    start = time.monotonic()
    _, report = augment_by_generation(train, validation, test, classifier(steps), settings, generator=known, out=run)
    minutes = (time.monotonic() - start) / 60
    return {
        "recall_with": report.with_generated.recall[0],
        "recall_without": report.without.recall[0],
        "balanced_with": report.with_generated.balanced_accuracy[0],
        "balanced_without": report.without.balanced_accuracy[0],
        "share": report.with_generated.share,
        "control": report.without.images,
        "sieve": report.as_dict()["sieve"][rare],
        "validation": {f"{a.images}-{a.share:g}": a.recall[0] for a in report.validation},
        "minutes": round(minutes, 1),
    }


def summarise(runs: dict) -> list[dict[str, object]]:
    """Mean and spread per class, and a t-test of the differences, split by split."""
    rows = []
    for rare in sorted({key.rsplit("-", 1)[0] for key in runs}):
        mine = [run for key, run in runs.items() if key.rsplit("-", 1)[0] == rare]
        row: dict[str, object] = {"class": rare, "images": LEFT, "seeds": len(mine)}
        for what in ("recall", "balanced"):
            for arm in ("without", "with"):
                values = np.array([run[f"{what}_{arm}"] for run in mine])
                row[f"{what}_{arm}"] = round(float(values.mean()), 4)
                row[f"{what}_{arm}_sd"] = round(float(values.std(ddof=1)), 4) if len(mine) > 1 else None
        gains = [run["recall_with"] - run["recall_without"] for run in mine]
        row["gain"] = round(float(np.mean(gains)), 4)
        row["p"] = round(float(ttest_1samp(gains, 0).pvalue), 4) if len(mine) > 1 else None
        rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classes", nargs="+", default=["monocyte"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--steps", type=int, default=400, help="of the classifier")
    parser.add_argument("--generator-steps", type=int, default=1500)
    parser.add_argument(
        "--runs", type=Path, help="keep the generators' run folders here, and take trained ones from here"
    )
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    images = blood_cells(arguments.data, 32)
    for seed in arguments.seeds:
        for rare in arguments.classes:
            if f"{rare}-{seed}" not in read_runs(NAME):
                run = one(images, rare, seed, arguments.steps, arguments.generator_steps, arguments.runs)
                runs = {**read_runs(NAME), f"{rare}-{seed}": run}
                write_result(NAME, {"size": 32, "rows": summarise(runs), "runs": runs})


if __name__ == "__main__":
    main()
