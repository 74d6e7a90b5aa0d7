"""The one training loop, for every game."""

from __future__ import annotations

import copy
import json
import logging
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from neubauer.errors import InputError
from neubauer.gan.config.base import TrainingConfig
from neubauer.gan.data.order import Order
from neubauer.gan.game import Batch, Game, Losses, TrainingData
from neubauer.gan.pictures import draw_curves, grid
from neubauer.gan.training import checkpoint as ck
from neubauer.gan.training.clock import PictureClock
from neubauer.gan.training.interrupt import Interrupt
from neubauer.gan.training.looking_on import LookingOn
from neubauer.gan.training.machine import keep_freed_memory, resolve
from neubauer.gan.training.monitor import Alarm, Monitor
from neubauer.gan.training.optimizers import frozen, learning_rate
from neubauer.gan.training.processes import any_process, average_over_processes, leave_in_order, same_in_all_processes
from neubauer.gan.training.report import Report, TrainingDiverged
from neubauer.gan.training.run_folder import CHECKPOINT, RunFolder, check_resumable
from neubauer.gan.training.run_state import RunState
from neubauer.nets.blocks import channels_last
from neubauer.progress import Display, duration

log = logging.getLogger("neubauer.gan")
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces each precision

LONG = 3 * 3600
"""Seconds left on a CPU from which on it is said that a training is not made for one."""
SETTLING = 20
"""Batches from which the running statistics of an averaged generator are learnt."""


class Trainer:
    """Plays a game for `config.steps` steps and leaves a run folder behind.

    Parameters
    ----------
    config : see `TrainingConfig`; its `auto` values are resolved for this machine.
    run : folder of the run.
    description : everything else that makes the run what it is (networks, losses, data), JSON-serialisable. A run
        resumes only under the same config and description.
    resume : continue from the folder's checkpoint, bit for bit as if the run had not stopped.
    may_differ : dotted keys that may change on resuming.
    progress : show a progress bar.

    Raises
    ------
    InputError : the folder holds a run and `resume` is off; or there is nothing to resume, the checkpoint is corrupt,
        the config differs (each differing key is named), or the number of processes does.
    """

    def __init__(
        self,
        config: TrainingConfig,
        run: str | Path,
        *,
        description: Mapping[str, Any] | None = None,
        resume: bool = False,
        may_differ: Collection[str] = (),
        progress: bool = True,
    ) -> None:
        self.config = resolve(config)
        self.run = Path(run)
        self.checkpoint = self.run / CHECKPOINT
        identity = {**(description or {}), "training": self.config.model_dump(mode="json")}
        self.identity: dict[str, Any] = json.loads(json.dumps(identity))  # as it comes back from a file
        self.resume, self.progress = resume, progress
        if self.checkpoint.exists() and not resume:
            raise InputError(self.run, "a run that is there already", "resume (--resume) or another folder")
        if resume:
            check_resumable(self.run, self.identity, may_differ)
        world = self.config.devices * self.config.nodes
        self.fabric = Fabric(
            accelerator=self.config.accelerator,
            devices=self.config.devices,
            num_nodes=self.config.nodes,
            strategy="ddp" if world > 1 else "auto",
            precision="bf16-mixed" if self.config.precision == "bfloat16" else "32-true",
        )

    def fit(self, game: Game, data: TrainingData, monitor: Monitor | None = None) -> Report:
        """Train `game` in place; afterwards its generator holds the moving average.

        Raises
        ------
        TrainingDiverged : see the monitor. The game then holds the weights of the last checkpoint.
        """
        fabric = self.fabric
        fabric.launch()
        leave_in_order(fabric)
        device = fabric.device
        if device.type == "cpu":
            keep_freed_memory()
        cuda = [device.index or 0] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=cuda), Interrupt() as interrupt:
            torch.manual_seed(int(np.random.SeedSequence([self.config.seed, fabric.global_rank]).generate_state(1)[0]))
            self._prepare(game.to(device), data, monitor or Monitor(self.config.monitor))
            try:
                return self._loop(interrupt)
            finally:
                if self.folder is not None:
                    self.folder.close()

    # --- preparation

    def _prepare(self, game: Game, data: TrainingData, monitor: Monitor) -> None:
        fabric, c = self.fabric, self.config
        channels_last(game)
        self.game, self.data, self.monitor = game, data, monitor
        self.order = Order(len(data), c.batch_size, c.seed, fabric.global_rank, fabric.world_size)
        same_in_all_processes(fabric, game)
        self.state = RunState(game, c, self.monitor)
        self.sums: dict[str, Tensor] = {}
        if self.resume:
            self.state.restore(self.checkpoint, fabric)
        self.folder = RunFolder(self.run, self.state.step if self.resume else 0) if fabric.is_global_zero else None
        if self.folder is not None:
            self.folder.write_json("config.json", self.identity)
        if not self.resume:
            self.state.save(self.checkpoint, self.fabric)
        self.clock = PictureClock()
        self.begun: tuple[int, float] | None = (self.state.step, time.monotonic())

    # --- the loop

    def _loop(self, interrupt: Interrupt) -> Report:
        c, game = self.config, self.game
        game.train()
        game.steps = c.steps
        first, started, before = self.state.step, time.perf_counter(), self.state.seconds
        shown = self.progress and self.folder is not None
        with Display("training", "steps", c.steps, first) if shown else nullcontext() as display:
            while self.state.step < c.steps and not any_process(self.fabric, interrupt.requested):
                self._play()
                self.state.seconds = before + time.perf_counter() - started
                self._after_step()
                if display is not None:
                    display.update(self.state.step)
        if self.state.step < c.steps:
            self.state.save(self.checkpoint, self.fabric)
            if self.folder is not None and c.preview_every:
                self._preview()
            log.warning("stopped at step %d; the checkpoint is saved", self.state.step)
        speed = (self.state.step - first) * c.batch_size / max(time.perf_counter() - started, 1e-9)
        report = Report(
            "finished" if self.state.step == c.steps else "interrupted",
            self.state.step,
            self.state.seconds,
            speed,
            self.state.alarms,
            self.state.metrics,
        )
        self._write_report(report)
        with LookingOn(game, self.fabric):
            game.generator.load_state_dict(self._averaged().state_dict())
        same_in_all_processes(self.fabric, game)
        return report

    def _play(self) -> None:
        """One step: the discriminator moves `discriminator_steps` times, then the generator moves once."""
        game = self.game
        game.step = self.state.step
        recorded = (self.state.step + 1) % self.config.log_every == 0
        if game.discriminator is None:
            batch = self._next_batch()
        else:
            for _ in range(self.config.discriminator_steps):
                batch = self._next_batch()
                self._move("discriminator", game.discriminator, game.discriminator_loss, batch, recorded)
        with frozen(self.state.optimizers.get("discriminator")):
            self._move("generator", game.generator, game.generator_loss, batch, recorded)
        average_over_processes(self.fabric, [b for b in game.buffers() if b.is_floating_point()])
        self.state.average.update(self.state.step)
        self.state.step += 1

    def _move(
        self, player: str, network: nn.Module, loss: Callable[[Batch], Losses], batch: Batch, recorded: bool
    ) -> None:
        optimizer = self.state.optimizers[player]
        optimizer.zero_grad(set_to_none=True)
        with self.fabric.autocast():
            losses = loss(batch)
        total = torch.stack([term.float() for term in losses.terms.values()]).sum()
        total.backward()
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        average_over_processes(self.fabric, gradients)
        rate = learning_rate(getattr(self.config, player), self.state.step, self.config.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        if recorded:  # numbers stay on the device until `_flush`, so that no step waits for them
            if gradients:  # a player may rest
                norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
                self.sums[f"gradient/{player}"] = norm
            self.sums |= {f"loss/{player}/{name}": term.detach() for name, term in losses.terms.items()}
            self.sums |= {f"{player}/{name}": value.detach() for name, value in losses.logs.items()}

    def _next_batch(self) -> Batch:
        self.state.batches += 1
        return self._batch(self.state.batches - 1)

    def _batch(self, k: int) -> Batch:
        batch = self.data.batch(self.order.indices(k), self.order.rng(k))
        return {name: _to_device(tensor, self.fabric.device) for name, tensor in batch.items()}

    # --- between steps

    def _after_step(self) -> None:
        c, step, last = self.config, self.state.step, self.state.step == self.config.steps
        values: dict[str, float] = {}
        alarms: list[Alarm] = []
        due = step % c.checkpoint_every == 0 or last
        if step % c.log_every == 0:
            values = self._flush()
            alarms = self.monitor.watch(step, values)
            values["seconds"] = self.state.seconds
        if due and not all(bool(p.isfinite().all()) for p in self.game.parameters()):
            alarms.append(Alarm("divergence", step, "a weight is not finite"))
        if self.folder is not None and c.monitor.every and (step % c.monitor.every == 0 or last):
            found, more = self._inspect()
            values |= found
            alarms += more
            self.state.metrics |= found
        if self.folder is not None:
            self._report_alarms(alarms, values)
            if last or (c.preview_every and (step % c.preview_every == 0 or self.clock.due())):
                self._preview()
        # losses, gradients and weights are shared, so all processes see a divergence at the same step
        fatal = next((alarm for alarm in alarms if alarm.fatal), None)
        if fatal is not None:
            self._diverged(fatal)
        if due:
            self.state.save(self.checkpoint, self.fabric)

    def _flush(self) -> dict[str, float]:
        if not self.sums:
            return {}
        stacked = torch.stack([value.float().mean() for value in self.sums.values()])
        average_over_processes(self.fabric, [stacked])
        values = dict(zip(self.sums, stacked.tolist(), strict=True))
        self.sums = {}
        return values

    def _report_alarms(self, alarms: list[Alarm], values: dict[str, float]) -> None:
        assert self.folder is not None
        for alarm in alarms:
            log.warning("%s", alarm)
            values[f"alarm/{alarm.kind}"] = 1.0
        self.state.alarms += alarms
        if values:
            self.folder.record(self.state.step, values)

    def _inspect(self) -> tuple[dict[str, float], list[Alarm]]:
        with LookingOn(self.game, self.fabric):
            return self.monitor.inspect(self.state.step, self.config.steps, self.game, self._averaged())

    def _say_if_long(self) -> None:
        """Once, when the speed is known."""
        if self.begun is None or self.fabric.device.type != "cpu":
            return
        first, since = self.begun
        self.begun = None
        left = (time.monotonic() - since) / max(self.state.step - first, 1) * (self.config.steps - self.state.step)
        if left > LONG:
            log.warning(
                "%s left at this speed, on a processor: fewer steps (training.steps), smaller images, a recipe for "
                "processors (dcgan-r1) or a GPU are quicker",
                duration(left),
            )

    def _preview(self) -> None:
        assert self.folder is not None
        self._say_if_long()
        started = time.monotonic()
        with LookingOn(self.game, self.fabric):
            pictures = self.game.preview(self._averaged())
        if pictures is not None:
            self.folder.picture("samples", self.state.step, grid(pictures.float().cpu().numpy()))
        draw_curves(self.run)
        self.clock.shown(time.monotonic() - started)

    def _averaged(self) -> nn.Module:
        """A copy of the averaged generator, with running statistics of its own."""
        network = copy.deepcopy(self.state.average.network)
        self.game.settle(network, (self._batch(k) for k in range(SETTLING)))
        return network

    def _diverged(self, alarm: Alarm) -> None:
        self._write_report(
            Report("diverged", self.state.step, self.state.seconds, 0.0, self.state.alarms, self.state.metrics)
        )
        state, tensors = ck.read_checkpoint(self.checkpoint)
        ck.restore_module("game", self.game, tensors, self.checkpoint)
        ck.restore_module("average", self.game.generator, tensors, self.checkpoint)
        raise TrainingDiverged(f"{alarm} The last good checkpoint, of step {state['step']}, is {self.checkpoint}.")

    def _write_report(self, report: Report) -> None:
        if self.folder is not None:
            self.folder.write_json("report.json", asdict(report))
            draw_curves(self.run)


def _to_device(tensor: Tensor, device: torch.device) -> Tensor:
    if tensor.ndim == 4:
        return tensor.to(device, memory_format=torch.channels_last, non_blocking=True)
    return tensor.to(device, non_blocking=True)
