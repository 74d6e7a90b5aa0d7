"""Training step of `dcgan` at 64 x 64 x 3, batch 64: images/s of the trainer beside plain loops and Keras.

- `plain`: a float32 PyTorch loop, as one writes it first, in its own process;
- `bare`: the same loop in the precision and memory format of the trainer: what the trainer and the monitor add is
  measured against it;
- `trainer`: `neubauer.gan.training.trainer.Trainer` with its logging, moving average and progress, plus its
  inspection, preview and checkpoint, measured once and spread over the steps between two of them;
- `keras`: the same networks and losses in Keras under `tf.function`, in another interpreter that has TensorFlow
  (`--keras-python`).

The loops take turns, block by block, so that a drift of the machine's speed hits all of them; medians over the blocks
are reported, with the smallest and largest. The arithmetic of a step is counted by PyTorch and divided by the machine's
rate in a large matrix product of the trainer's precision.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from report import write_result
from torch import Tensor
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from neubauer.gan.build import build_game
from neubauer.gan.config.base import validate
from neubauer.gan.config.image import ImageGanConfig
from neubauer.gan.data.images import ImageSet, images_from_array
from neubauer.gan.games.image_gan import ImageGan
from neubauer.gan.training.machine import best_precision
from neubauer.gan.training.monitor import Monitor, Reference
from neubauer.gan.training.trainer import Trainer
from neubauer.metrics.features import RandomEncoder
from neubauer.nets.blocks import channels_last
from neubauer.recipes import load_recipe

WARMUP = 3


def networks(size: int) -> ImageGan:
    game = build_game(validate(ImageGanConfig, load_recipe("dcgan"), "dcgan"), (3, size, size))
    assert isinstance(game, ImageGan)
    return game


def loop(batches: Callable[[], Tensor], size: int, fast: bool) -> Callable[[], None]:
    """One step of a hand-written loop; `fast` as the trainer does it: channels last, low precision, fused Adam."""
    game = networks(size)
    generator, discriminator = game.generator, game.discriminator
    if fast:
        channels_last(game)
    low = fast and best_precision("cpu") == "bfloat16"
    g_step = torch.optim.Adam(generator.parameters(), 2e-4, (0.5, 0.999), fused=fast)
    d_step = torch.optim.Adam(discriminator.parameters(), 2e-4, (0.5, 0.999), fused=fast)

    def step() -> None:
        real = batches()
        if fast:
            real = real.contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            fake = generator(torch.randn(len(real), game.latent)).float()
            loss = F.softplus(-discriminator(real).score.float()).mean()
            loss = loss + F.softplus(discriminator(fake.detach()).score.float()).mean()
        d_step.zero_grad()
        loss.backward()
        d_step.step()
        discriminator.requires_grad_(False)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=low):
            loss = F.softplus(-discriminator(fake).score.float()).mean()
        g_step.zero_grad()
        loss.backward()
        g_step.step()
        discriminator.requires_grad_(True)

    return step


class Clocked(ImageGan):
    """The trainer's game, noting when each generator step begins."""

    ticks: list[float]

    def generator_loss(self, batch):  # type: ignore[no-untyped-def]
        self.ticks.append(time.perf_counter())
        return super().generator_loss(batch)


def trainer_blocks(data: ImageSet, batch: int, block: int, size: int, folder: Path) -> Iterator[tuple[float, float]]:
    """Seconds per step of one trainer run after another, and seconds of one inspection, preview and checkpoint."""
    monitored = data.batch(np.arange(min(len(data), 2000)), np.random.default_rng(0))
    encoder = RandomEncoder(monitored["image"])
    run = 0
    while True:
        run += 1
        changes = {"training": {"steps": block + WARMUP, "batch_size": batch, "accelerator": "cpu"}}
        config = validate(ImageGanConfig, load_recipe("dcgan", changes), "dcgan")
        game = Clocked(config, (3, size, size))
        game.ticks = []
        monitor = Monitor(config.training.monitor, Reference(encoder, monitored, None))
        Trainer(config.training, folder / str(run), progress=False).fit(game, data, monitor)
        # the last step is followed by inspection, preview and checkpoint, whose end is the end of the log's last entry
        extra = (
            (folder / str(run) / "report.json").stat().st_mtime - (time.time() - time.perf_counter()) - game.ticks[-1]
        )
        per_step = (game.ticks[-1] - game.ticks[WARMUP - 1]) / (len(game.ticks) - WARMUP)
        yield per_step, max(extra - per_step, 0.0)


def matrix_rate(low: bool, n: int = 2048, repeats: int = 5) -> float:
    """Operations per second of an n x n matrix product."""
    a, b = (torch.randn(n, n, dtype=torch.bfloat16 if low else torch.float32) for _ in range(2))
    a @ b
    best = min(_timed(lambda: a @ b) for _ in range(repeats))
    return 2 * n**3 / best


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def operations(step: Callable[[], None]) -> float:
    with FlopCounterMode(display=False) as counter:
        step()
    return float(counter.get_total_flops())


class Elsewhere:
    """A loop in its own process: a number of steps in, seconds out."""

    def __init__(self, python: str, script: str, batch: int, size: int, threads: int) -> None:
        command = [python, str(Path(__file__).with_name(script)), str(batch), str(size), str(threads)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.versions = self._ask(WARMUP)["versions"]

    def _ask(self, steps: int) -> dict:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def seconds(self, steps: int) -> float:
        return self._ask(steps)["seconds"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--blocks", type=int, default=7)
    parser.add_argument("--steps", type=int, default=20, help="per block")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--keras-python", help="interpreter that has tensorflow; without it Keras is left out")
    parser.add_argument("--name", default="gan_speed", help="of the result file")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (1024, 3, arguments.size, arguments.size), dtype=np.uint8)
    data = images_from_array(images)

    def batches() -> Tensor:
        return data.batch(rng.integers(0, len(data), arguments.batch), rng)["image"]

    bare = loop(batches, arguments.size, fast=True)
    flops = operations(bare)
    low = best_precision("cpu") == "bfloat16"
    machine = (arguments.batch, arguments.size, arguments.threads)
    others = {"plain": Elsewhere(sys.executable, "gan_speed_plain.py", *machine)}
    if arguments.keras_python:
        others["keras"] = Elsewhere(arguments.keras_python, "gan_speed_keras.py", *machine)
    seconds: dict[str, list[float]] = {name: [] for name in (*others, "bare", "trainer")}
    extras, rates = [], []
    with tempfile.TemporaryDirectory() as folder:
        trained = trainer_blocks(data, arguments.batch, arguments.steps, arguments.size, Path(folder))
        for _ in range(arguments.blocks):
            for name, other in others.items():
                other.seconds(WARMUP)
                seconds[name].append(other.seconds(arguments.steps) / arguments.steps)
            for _ in range(WARMUP):
                bare()
            seconds["bare"].append(_timed(lambda: [bare() for _ in range(arguments.steps)]) / arguments.steps)
            per_step, extra = next(trained)
            extras.append(extra)
            seconds["trainer"].append(per_step)
            rates.append(matrix_rate(low))
    # inspection, preview and checkpoint come once in 1000 steps
    spread = statistics.median(extras) / 1000
    trainer = [s + spread for s in seconds["trainer"]]
    seconds["trainer"] = trainer

    def ratio(name: str) -> dict[str, float]:
        found = sorted(other / ours for other, ours in zip(seconds[name], trainer, strict=True))
        return {"median": statistics.median(found), "low": found[0], "high": found[-1]}

    step_rate = [flops / s for s in trainer]
    write_result(
        arguments.name,
        {
            "what": f"dcgan, {arguments.size} x {arguments.size} x 3, batch {arguments.batch}",
            "precision": best_precision("cpu"),
            "versions": {name: other.versions for name, other in others.items()},
            "images_per_second": {name: arguments.batch / statistics.median(s) for name, s in seconds.items()},
            "trainer_speedup_over": {name: ratio(name) for name in seconds if name not in ("trainer", "bare")},
            "trainer_overhead_over_bare": statistics.median(
                t / b - 1 for t, b in zip(trainer, seconds["bare"], strict=True)
            ),
            "seconds_of_inspection_preview_and_checkpoint": statistics.median(extras),
            "gigaflop_per_step": flops / 1e9,
            "share_of_matrix_rate": statistics.median(s / r for s, r in zip(step_rate, rates, strict=True)),
            "matrix_gigaflops": statistics.median(rates) / 1e9,
            "seconds_per_step": seconds,
        },
    )


if __name__ == "__main__":
    main()
