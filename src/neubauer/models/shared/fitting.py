"""The supervised training loop that the estimators share: resumable, deterministic, in the machine's best precision."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from neubauer.errors import InputError
from neubauer.gan.config.base import differences
from neubauer.gan.training import checkpoint as ck
from neubauer.gan.training.ema import MovingAverage
from neubauer.gan.training.interrupt import Interrupt
from neubauer.gan.training.machine import bfloat16_is_fast, keep_freed_memory
from neubauer.nets.blocks import channels_last

REPORT_EVERY = 50
CLIP = 5.0
"""Largest norm of the gradient."""

Net = TypeVar("Net", bound=nn.Module)
Report = Callable[[int, dict[str, float]], None]
Forward = Callable[[Tensor], Tensor]


class Settings(Protocol):
    """What the loop has to know.

    Steps, peak learning rate of AdamW (Loshchilov & Hutter, ICLR 2019), weight decay (of all but biases and
    normalisations), decay of the moving average of the weights, seed.
    """

    @property
    def steps(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def weight_decay(self) -> float: ...
    @property
    def average(self) -> float: ...
    @property
    def seed(self) -> int: ...


@dataclass(frozen=True)
class Checkpoint:
    """Where a stopped training goes on.

    Attributes
    ----------
    path : the file; it is there while the training is unfinished.
    identity : what makes the run what it is (settings, data), JSON-serialisable: it goes on only under the same.
    resume : go on from the file, bit for bit as if the run had not stopped.
    every : steps between two checkpoints.
    first, last : of a training in stages with one file, whether this is its first, its last. Between two stages the
        file stays, with the finished one, until the next one's takes its place.
    """

    path: Path
    identity: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False
    every: int = 250
    first: bool = True
    last: bool = True


def fit(
    network: Net,
    losses: Callable[[Forward, int], Mapping[str, Tensor]],
    settings: Settings,
    report: Report | None = None,
    checkpoint: Checkpoint | None = None,
) -> Net:
    """Minimise the sum of losses with AdamW; the learning rate warms up and then falls like half a cosine.

    Parameters
    ----------
    network : changed in place.
    losses : `losses(forward, step)` -> named scalars, where `forward` runs the network on images (N, C, Y, X) in the
        machine's best precision and gives float32. What it draws has to depend on nothing but the step (from a
        generator seeded with it, or from PyTorch's global one, which the loop seeds).
    settings : sizes and rates.
    report : called with the number of steps done and the mean losses since the last call, every 50 steps.
    checkpoint : to survive being stopped; Ctrl-C and SIGTERM act between two steps, and leave a checkpoint.

    Returns
    -------
    The network with the moving average of its weights, in evaluation mode.

    Raises
    ------
    InputError : the checkpoint is of another run (what differs is named), missing or corrupt; or one is there although
        nothing is to be resumed.
    OutputError : the checkpoint cannot be written.
    KeyboardInterrupt : stopped.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        keep_freed_memory()
    network = channels_last(network.to(device)).train()
    average = MovingAverage(network, settings.average)
    optimiser = _adamw(network, settings)
    step = 0
    if checkpoint is not None:
        step = _begin(checkpoint, network, average, optimiser)
    sums: dict[str, Tensor] = {}

    def forward(images: Tensor) -> Tensor:
        images = images.to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=bfloat16_is_fast(device)):
            return network(images).float()

    with torch.random.fork_rng(devices=[]), Interrupt() as interrupt:
        while step < settings.steps and not interrupt.requested:
            torch.manual_seed(int(np.random.SeedSequence([settings.seed, step]).generate_state(1)[0]))
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * schedule(step, settings.steps)
            terms = losses(forward, step)
            optimiser.zero_grad()
            torch.stack(list(terms.values())).sum().backward()
            nn.utils.clip_grad_norm_(network.parameters(), CLIP)
            optimiser.step()
            average.update(step)
            step += 1
            for name, value in terms.items():
                sums[name] = sums.get(name, 0) + value.detach()
            if step % REPORT_EVERY == 0 or step == settings.steps:
                if report:
                    n = (step - 1) % REPORT_EVERY + 1
                    report(step, {name: float(value) / n for name, value in sums.items()})
                sums = {}
            done = checkpoint is not None and not checkpoint.last and step == settings.steps
            if checkpoint is not None and (step % checkpoint.every == 0 or done):
                _save(checkpoint, step, network, average, optimiser)
    if step < settings.steps:
        if checkpoint is not None:
            _save(checkpoint, step, network, average, optimiser)
        raise KeyboardInterrupt
    if checkpoint is not None and checkpoint.last:
        checkpoint.path.unlink(missing_ok=True)
    network.load_state_dict(average.network.state_dict())
    return network.eval()


def schedule(step: int, steps: int) -> float:
    """Linear warm-up over 5 % of the steps, then half a cosine to zero."""
    warm = max(1, steps // 20)
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, steps - warm)))


def _adamw(network: nn.Module, settings: Settings) -> torch.optim.AdamW:
    decay = [p for p in network.parameters() if p.ndim > 1]
    rest = [p for p in network.parameters() if p.ndim <= 1]
    groups = [{"params": decay, "weight_decay": settings.weight_decay}, {"params": rest, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=settings.learning_rate)


def _begin(c: Checkpoint, network: nn.Module, average: MovingAverage, optimiser: torch.optim.Optimizer) -> int:
    """The step to begin with; everything else is restored."""
    if not c.resume:
        if c.first and c.path.exists():
            raise InputError(
                c.path, "the checkpoint of an unfinished training", "resume (--resume), or remove the file"
            )
        return 0
    state, tensors = ck.read_checkpoint(c.path)
    differing = differences(state["identity"], json.loads(json.dumps(c.identity)))
    if differing:
        raise InputError(
            c.path, "a training under other settings: " + "; ".join(differing), "the same settings and data"
        )
    ck.restore_module("network", network, tensors, c.path)
    ck.restore_module("average", average.network, tensors, c.path)
    ck.restore_optimizer("optimiser", optimiser, tensors)
    return int(state["step"])


def _save(
    c: Checkpoint, step: int, network: nn.Module, average: MovingAverage, optimiser: torch.optim.Optimizer
) -> None:
    tensors = ck.module_tensors("network", network) | ck.module_tensors("average", average.network)
    tensors |= ck.optimizer_tensors("optimiser", optimiser)
    ck.write_checkpoint(c.path, {"step": step, "identity": dict(c.identity)}, tensors)
