"""Filling in holes: 20 % of the area in random strokes and blocks, against biharmonic and texture filling.

- `pbc` (64 px) and `bccd` (at half its size, 320 x 240): PSNR in holes, SSIM, kernel distance of patches.
- `counts`: cells of smears counted by `blood-smear` with holes (black), after repair, and undamaged.
- `speed`: training steps of the trainer beside a float32 loop of the same networks.

Results are added to `results/inpaint.json` one by one, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import SETS, Item, data_option, split_groups
from report import read_runs, write_result

from neubauer.gan.config.base import validate
from neubauer.gan.config.inpainting import InpaintingConfig
from neubauer.gan.data.holes import HoleCrops, draw_holes
from neubauer.gan.data.image_pairs import Domain
from neubauer.gan.data.images import images_from_folder
from neubauer.gan.games.inpainting import Inpainting
from neubauer.gan.training.trainer import Trainer
from neubauer.images.fill import fill_biharmonic
from neubauer.images.read import from_array
from neubauer.images.resample import resample
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.estimators.inpainter import Inpainter
from neubauer.models.inpainter.evaluate import evaluate_inpainting
from neubauer.recipes import load_recipe

NAME = "inpaint"
QUIET = {"preview_every": 0, "log_every": 100}


def smears(folder: Path, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """BCCD at half its size, 200 images to train on and 30 to test on."""
    train, test = split_groups(SETS["bccd"](folder), [200], seed)
    return [_half(item) for item in train], [_half(item) for item in test[:30]]


def _half(item: Item) -> np.ndarray:
    return np.clip(np.rint(resample(item.pair().source.read(), 0.5)), 0, 255).astype(np.uint8)


def pbc(folder: Path, steps: int | None, seed: int) -> dict[str, float]:
    images = images_from_folder(folder / "pbc").images
    order = np.random.default_rng(seed).permutation(len(images))
    inpainter = Inpainter({"training": QUIET}).fit(list(images[order[:4000]]), steps=steps, seed=seed)
    return _flat(evaluate_inpainting(list(images[order[4000:4200]]), inpainter, seed=seed))


def bccd(folder: Path, steps: int | None, seed: int) -> dict[str, float]:
    train, test = smears(folder, seed)
    inpainter = Inpainter({"training": QUIET}).fit(train, steps=steps, seed=seed)
    found = _flat(evaluate_inpainting(test, inpainter, seed=seed))
    return found | counts(inpainter, test, seed)


def counts(inpainter: Inpainter, images: list[np.ndarray], seed: int) -> dict[str, float]:
    """Mean absolute difference of the count from that of the undamaged image."""
    counter = CellCounter.load("blood-smear")
    differences: dict[str, list[float]] = {"holes": [], "biharmonic": [], "inpainter": []}
    for i, image in enumerate(images):
        holes = draw_holes((image.shape[1], image.shape[2]), 0.2, np.random.default_rng([seed, i]))
        diameter = 0.5 * counter.config.diameter
        true = counter.predict(image, diameter=diameter).estimates["total"].count
        for name, damaged in (
            ("holes", np.where(holes, 0, image).astype(image.dtype)),
            ("biharmonic", fill_biharmonic(image, holes)),
            ("inpainter", inpainter.predict(image, holes)[0]),
        ):
            found = counter.predict(damaged, diameter=diameter).estimates["total"].count
            differences[name].append(abs(found - true))
    return {f"{name}: count error": float(np.mean(d)) for name, d in differences.items()}


def _flat(scores: dict[str, dict[str, float]]) -> dict[str, float]:
    return {f"{method}: {name}": value for method, found in scores.items() for name, value in found.items()}


def speed(steps: int = 12, blocks: int = 5) -> dict[str, float]:
    """Trainer against a float32 loop of the same game on the same crops, blocks in turn; median ratio. Both players
    move."""
    config = validate(InpaintingConfig, load_recipe("inpainting", {"warmup": 0.0, "training": QUIET}), "inpainting")
    rng = np.random.default_rng(0)
    images = [from_array(rng.integers(0, 255, (3, 128, 128), dtype=np.uint8)) for _ in range(16)]
    data = HoleCrops(Domain.of(images, "noise"), config.crop, config.holes, 0)
    for i in range(len(data)):  # each is made once in a training
        data.batch(np.array([i]), rng)
    seconds: dict[str, list[float]] = {"float32 loop": [], "trainer": []}
    for _ in range(blocks):
        with tempfile.TemporaryDirectory() as run:
            spent = []
            for n in (3, 3, steps + 3):  # the first one warms up
                training = config.training.model_copy(update={"steps": n})
                trainer = Trainer(training, Path(run) / f"{len(spent)}", progress=False)
                start = time.perf_counter()
                trainer.fit(Inpainting(config, 3), data)
                spent.append(time.perf_counter() - start)
        seconds["trainer"].append((spent[2] - spent[1]) / steps)
        seconds["float32 loop"].append(_plain(config, data, steps))
    ratio = statistics.median(p / t for p, t in zip(seconds["float32 loop"], seconds["trainer"], strict=True))
    batch = config.training.batch_size
    return {**{f"{n}, images/s": batch / statistics.median(s) for n, s in seconds.items()}, "ratio": ratio}


def _plain(config: InpaintingConfig, data: HoleCrops, steps: int) -> float:
    game = Inpainting(config, 3)
    g = torch.optim.Adam(game.generator.parameters(), 1e-3)
    d = torch.optim.Adam(game.discriminator.parameters(), 1e-3)
    rng = np.random.default_rng(0)

    def step() -> None:
        batch = data.batch(rng.integers(len(data), size=config.training.batch_size), rng)
        for optimiser, losses in ((d, game.discriminator_loss), (g, game.generator_loss)):
            optimiser.zero_grad()
            torch.stack(list(losses(batch).terms.values())).sum().backward()
            optimiser.step()

    for _ in range(3):
        step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) / steps


PARTS = ("pbc", "bccd", "speed")
TEXT = (
    "20 % of the area cut out. PSNR (dB) of the pixels in holes, SSIM of the image, kernel distance of patches around "
    "filled pixels from real ones; mean absolute difference of the count of blood-smear from that in the undamaged "
    "image; training step, 96 px, batch 8."
)


def summarise(runs: dict[str, dict[str, float]]) -> dict[str, Any]:
    rows = []
    for part in PARTS:
        mine = [run for key, run in runs.items() if key.split("-")[0] == part]
        for name in mine[0] if mine else ():
            values = [run[name] for run in mine]
            spread = statistics.stdev(values) if len(values) > 1 else None
            rows.append({"data": part, "": name, "mean": statistics.mean(values), "sd": spread, "seeds": len(values)})
    return {"title": "Filling in holes", "what": TEXT, "rows": rows, "runs": runs}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, help="of training; default: the recipe's")
    parser.add_argument("--threads", type=int, default=1)
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    todo: dict[str, Any] = {}
    for part in arguments.parts:
        if part == "speed":
            todo[part] = (speed,)
        else:
            run = {"pbc": pbc, "bccd": bccd}[part]
            todo |= {f"{part}-{seed}": (run, arguments.data, arguments.steps, seed) for seed in arguments.seeds}
    for key, (run, *given) in todo.items():
        if key not in read_runs(NAME):
            found = run(*given)
            print(key, found, flush=True)
            write_result(NAME, summarise({**read_runs(NAME), key: found}))


if __name__ == "__main__":
    main()
