"""Train `chamber-cells`, the counter of cells in straightened counting chambers, on simulated ones alone.

python benchmarks/train_chamber.py --out build/chamber      goes on where it was stopped
python benchmarks/train_chamber.py --bundle                 puts the trained one into the package, with its card
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from neubauer.cells.annotation import Annotation
from neubauer.chamber.rulings import rulings
from neubauer.chamber.simulate.scene import Scene, draw_scene
from neubauer.chamber.simulate.style import draw_style
from neubauer.chamber.straighten import as_pixels
from neubauer.models.counter.augment import Augmentation
from neubauer.models.counter.evaluate import evaluate_counter
from neubauer.models.counter.fit import FitSettings
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.shared.bundled import WEIGHTS
from neubauer.models.shared.inputs import Annotated, as_source

NAME = "chamber-cells"
FOLDER = Path(__file__).resolve().parents[1] / "build" / "chamber"
SIDE = 0.5
"""Of a training scene, mm."""
DIAMETER = 14.0
"""Pixels, and micrometres, of a typical cell."""
SCENES, TEST_SEED = 360, 10_000_000
AUGMENTATION = Augmentation(illumination=0.2, compression=0.25, coarse=0.2, scale=(0.9, 1.1), blur=0.8)
ABSORBED = np.array([1.0, 0.75, 0.3])
"""Optical density of trypan blue in red, green and blue light, relative to red (absorption is largest near 600 nm)."""


def scene(seed: int) -> tuple[np.ndarray, Scene]:
    """A straightened window of any chamber as the counter sees it, and the truth."""
    rng = np.random.default_rng(seed)
    ruling = list(rulings().values())[int(rng.choice(5, p=[0.5, 0.15, 0.15, 0.1, 0.1]))]
    x, y = (rng.uniform(-0.15, size - SIDE + 0.15) for size in ruling.size)
    style = draw_style(rng)
    number = 0.0 if rng.random() < 0.04 else float(np.exp(rng.uniform(np.log(8), np.log(600))))
    number *= min(1.0, (14 / style.cell_diameter) ** 2)
    found = draw_scene(ruling, (x, y, x + SIDE, y + SIDE), number, style, rng)
    light = (found.light[..., None] * np.exp(-found.density[..., None] * ABSORBED)).mean(-1)
    limit = rng.uniform(1.5, 2.3)  # the brightest that the camera can tell
    light = np.minimum(light + style.noise * rng.standard_normal(light.shape), limit)
    return as_pixels(light), found


def pair(seed: int) -> Annotated:
    pixels, found = scene(seed)
    there = np.unique(found.labels)
    there = there[there > 0]
    labels = np.searchsorted(there, found.labels).astype(np.int32) + (found.labels > 0)
    labels[found.labels == 0] = 0
    scale = 1000.0
    window = found.labels.shape
    centres = np.zeros((len(there), 2))
    for k in range(len(there)):
        centres[k] = np.argwhere(labels == k + 1).mean(0)
    del scale
    index = np.zeros(len(there), np.int64)
    return Annotated(as_source(pixels), Annotation("masks", window, ("cell",), index, centres, None, labels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--out", type=Path, default=FOLDER)
    parser.add_argument("--bundle", action="store_true", help="put the trained model into the package")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    arguments.out.mkdir(parents=True, exist_ok=True)
    path = arguments.out / f"{NAME}.safetensors"
    if not path.exists():
        train(path, arguments.steps)
    if arguments.bundle:
        bundle(path)


def train(path: Path, steps: int) -> None:
    begin = time.monotonic()
    pairs = [pair(seed) for seed in range(SCENES)]
    print(
        f"{len(pairs)} scenes, {sum(len(p.annotation) for p in pairs)} cells, {time.monotonic() - begin:.0f} s",
        flush=True,
    )
    settings = FitSettings(steps, 8, 128, augmentation=AUGMENTATION, border_weight=2.0)
    counter = CellCounter(
        diameter=DIAMETER,
        settings=settings,
        widths=(16, 32, 48, 64),
        depths=(1, 1, 2, 2),
        layout_diameter=16.0,
        validation=0.15,
    )

    def report(step: int, losses: dict[str, float]) -> None:
        if step % 250 == 0:
            terms = ", ".join(f"{name} {value:.4f}" for name, value in losses.items())
            print(f"{step} steps, {time.monotonic() - begin:.0f} s: {terms}", flush=True)

    checkpoint = path.with_suffix(".checkpoint")
    images, annotations = [p.source for p in pairs], [p.annotation for p in pairs]
    counter.fit(images, annotations, report=report, checkpoint=checkpoint, resume=checkpoint.exists())
    counter.config.training |= {
        "name": NAME,
        "minutes": round((time.monotonic() - begin) / 60, 1),
        "calibrated_on": "simulated images",
    }
    counter.save(path)


def bundle(path: Path) -> None:
    counter = CellCounter.load(path)
    scores, _ = evaluate_counter(counter, [pair(TEST_SEED + k) for k in range(60)])
    print(scores)
    # in choosing a counter for other images this one does not take part: it knows straightened chambers alone
    config = counter.config.model_copy(update={"training": counter.config.training})
    replace  # noqa: B018
    counter.set(config)
    counter.save(WEIGHTS / path.name)


if __name__ == "__main__":
    main()
