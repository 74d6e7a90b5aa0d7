"""What changes while a run goes on: saved and restored as a whole."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from lightning_fabric import Fabric
from torch import Tensor

from neubauer.gan.config.base import TrainingConfig
from neubauer.gan.game import Game
from neubauer.gan.training import checkpoint as ck
from neubauer.gan.training.ema import MovingAverage
from neubauer.gan.training.monitor import Alarm, Monitor
from neubauer.gan.training.optimizers import adam


class RunState:
    """Weights, average, optimisers, counters and the monitor's memory of one run.

    Attributes
    ----------
    step, batches : steps done, and batches drawn (the place in the data).
    seconds : time spent in training.
    alarms, metrics : all alarms so far, and the numbers of the last inspection.
    """

    def __init__(self, game: Game, config: TrainingConfig, monitor: Monitor) -> None:
        self.game, self.monitor = game, monitor
        self.average = MovingAverage(game.generator, config.average_decay)
        self.optimizers = {"generator": adam(game.generator, config.generator)}
        if game.discriminator is not None:
            self.optimizers["discriminator"] = adam(game.discriminator, config.discriminator)
        self.step = self.batches = 0
        self.seconds = 0.0
        self.alarms: list[Alarm] = []
        self.metrics: dict[str, float] = {}

    def save(self, path: Path, fabric: Fabric) -> None:
        """Write everything, the random states of all processes included; to be called in all of them, the first one
        writes.

        Raises
        ------
        OutputError : the file cannot be written; the one that was there stays.
        """
        random = fabric.all_gather(ck.random_state(fabric.device).to(fabric.device))
        assert isinstance(random, Tensor)
        if not fabric.is_global_zero:
            return
        tensors = {
            **ck.module_tensors("game", self.game),
            **ck.module_tensors("average", self.average.network),
            "random": random.cpu().view(fabric.world_size, -1),
        }
        for name, optimizer in self.optimizers.items():
            tensors |= ck.optimizer_tensors(f"optimizer.{name}", optimizer)
        state = {
            "step": self.step,
            "batches": self.batches,
            "seconds": self.seconds,
            "alarms": [asdict(alarm) for alarm in self.alarms],
            "metrics": self.metrics,
            "monitor": self.monitor.state(),
        }
        ck.write_checkpoint(path, state, tensors)

    def restore(self, path: Path, fabric: Fabric) -> None:
        """Take everything from a checkpoint, also the state of PyTorch's generators.

        Raises
        ------
        InputError : the file is corrupt, or belongs to other networks.
        """
        state, tensors = ck.read_checkpoint(path)
        ck.restore_module("game", self.game, tensors, path)
        ck.restore_module("average", self.average.network, tensors, path)
        for name, optimizer in self.optimizers.items():
            ck.restore_optimizer(f"optimizer.{name}", optimizer, tensors)
        ck.restore_random_state(tensors["random"][fabric.global_rank], fabric.device)
        self.step, self.batches, self.seconds = state["step"], state["batches"], state["seconds"]
        self.alarms = [Alarm(**alarm) for alarm in state["alarms"]]
        self.metrics = state["metrics"]
        self.monitor.restore(state["monitor"])
