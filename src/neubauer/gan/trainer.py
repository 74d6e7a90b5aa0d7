"""The one training loop, for every game."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from neubauer.errors import InputError, NeubauerError
from neubauer.gan import checkpoint as ck
from neubauer.gan.config import OptimizerConfig, TrainingConfig, differences
from neubauer.gan.ema import MovingAverage
from neubauer.gan.game import Batch, Game, Losses, TrainingData
from neubauer.gan.interrupt import Interrupt
from neubauer.gan.machine import resolve, use_channels_last
from neubauer.gan.monitor import Alarm, Monitor
from neubauer.gan.order import Order
from neubauer.gan.pictures import draw_curves, grid
from neubauer.gan.progress import progress_bar
from neubauer.gan.run_folder import RunFolder, read_config

log = logging.getLogger("neubauer.gan")
logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it announces each precision


class TrainingDiverged(NeubauerError):
    """The numbers of a run left all bounds; the message says what to change. The last checkpoint is kept."""


@dataclass
class Report:
    """How a run ended: `reason` is `finished` or `interrupted`."""

    reason: str
    step: int
    seconds: float
    items_per_second: float
    alarms: list[Alarm] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)


def learning_rate(config: OptimizerConfig, step: int, steps: int) -> float:
    """The learning rate at a step (see `OptimizerConfig`)."""
    rate = config.learning_rate * min(1.0, (step + 1) / (config.warmup_steps + 1))
    if config.schedule == "linear":
        rate *= 1 - step / steps
    elif config.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * step / steps))
    return rate


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
        self.checkpoint = self.run / "checkpoint.safetensors"
        self.identity = {**(description or {}), "training": self.config.model_dump(mode="json")}
        self.resume, self.may_differ, self.progress = resume, may_differ, progress
        if self.checkpoint.exists() and not resume:
            raise InputError(self.run, "a run that is there already", "resume (--resume) or another folder")
        if resume:
            self._check_identity()
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
        device = fabric.device
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

    def _check_identity(self) -> None:
        if not self.checkpoint.exists():
            raise InputError(self.run, "no checkpoint", "a run that has one")
        changed = [
            d for d in differences(read_config(self.run), self.identity) if d.split(":")[0] not in self.may_differ
        ]
        processes = [d for d in changed if d.split(":")[0] in ("training.devices", "training.nodes")]
        if processes:
            raise InputError(
                self.run,
                f"another number of processes ({'; '.join(processes)})",
                "the number that the run started with",
            )
        if changed:
            raise InputError(
                self.run, f"another config ({'; '.join(changed)})", "the config of the run that is resumed"
            )

    def _prepare(self, game: Game, data: TrainingData, monitor: Monitor) -> None:
        fabric, c = self.fabric, self.config
        use_channels_last(game)
        self.game, self.data, self.monitor = game, data, monitor
        self.order = Order(len(data), c.batch_size, c.seed, fabric.global_rank, fabric.world_size)
        if fabric.world_size > 1:
            for tensor in game.state_dict().values():
                torch.distributed.broadcast(tensor, 0)
        self.average = MovingAverage(game.generator, c.average_decay)
        self.optimizers = {"generator": _adam(game.generator, c.generator)}
        if game.discriminator is not None:
            self.optimizers["discriminator"] = _adam(game.discriminator, c.discriminator)
        self.step = self.batches = 0
        self.seconds = 0.0
        self.alarms: list[Alarm] = []
        self.metrics: dict[str, float] = {}
        self.sums: dict[str, Tensor] = {}
        if self.resume:
            self._restore()
        self.folder = RunFolder(self.run, self.step if self.resume else 0) if fabric.is_global_zero else None
        if self.folder is not None:
            self.folder.write_json("config.json", self.identity)
        if not self.resume:
            self._save()

    def _restore(self) -> None:
        state, tensors = ck.read_checkpoint(self.checkpoint)
        ck.restore_module("game", self.game, tensors, self.checkpoint)
        ck.restore_module("average", self.average.network, tensors, self.checkpoint)
        for name, optimizer in self.optimizers.items():
            ck.restore_optimizer(f"optimizer.{name}", optimizer, tensors)
        ck.restore_random_state(tensors["random"][self.fabric.global_rank], self.fabric.device)
        self.step, self.batches, self.seconds = state["step"], state["batches"], state["seconds"]
        self.alarms = [Alarm(**alarm) for alarm in state["alarms"]]
        self.metrics = state["metrics"]
        self.monitor.restore(state["monitor"])

    def _save(self) -> None:
        random = self.fabric.all_gather(ck.random_state(self.fabric.device).to(self.fabric.device))
        assert isinstance(random, Tensor)
        if self.folder is None:
            return
        tensors = {
            **ck.module_tensors("game", self.game),
            **ck.module_tensors("average", self.average.network),
            "random": random.cpu().view(self.fabric.world_size, -1),
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
        ck.write_checkpoint(self.checkpoint, state, tensors)

    # --- the loop

    def _loop(self, interrupt: Interrupt) -> Report:
        c, game = self.config, self.game
        game.train()
        game.steps = c.steps
        first, started, before = self.step, time.perf_counter(), self.seconds
        bar = (
            progress_bar(c.steps, self.step)
            if self.progress and self.folder is not None
            else nullcontext(lambda step: None)
        )
        with bar as advance:
            while self.step < c.steps and not self._stop_requested(interrupt):
                self._play()
                self.seconds = before + time.perf_counter() - started
                self._after_step()
                advance(self.step)
        if self.step < c.steps:
            self._save()
            log.warning("stopped at step %d; the checkpoint is saved", self.step)
        speed = (self.step - first) * c.batch_size / max(time.perf_counter() - started, 1e-9)
        report = Report(
            "finished" if self.step == c.steps else "interrupted",
            self.step,
            self.seconds,
            speed,
            self.alarms,
            self.metrics,
        )
        self._write_report(report)
        game.generator.load_state_dict(self.average.network.state_dict())
        return report

    def _play(self) -> None:
        """One step: the discriminator moves `discriminator_steps` times, then the generator moves once."""
        game = self.game
        game.step = self.step
        recorded = (self.step + 1) % self.config.log_every == 0
        if game.discriminator is None:
            batch = self._next_batch()
        else:
            for _ in range(self.config.discriminator_steps):
                batch = self._next_batch()
                self._move("discriminator", game.discriminator, game.discriminator_loss, batch, recorded)
            game.discriminator.requires_grad_(False)
        self._move("generator", game.generator, game.generator_loss, batch, recorded)
        if game.discriminator is not None:
            game.discriminator.requires_grad_(True)
        if self.fabric.world_size > 1:
            self._average_over_processes([b for b in game.buffers() if b.is_floating_point()])
        self.average.update(self.step)
        self.step += 1

    def _move(
        self, player: str, network: nn.Module, loss: Callable[[Batch], Losses], batch: Batch, recorded: bool
    ) -> None:
        optimizer = self.optimizers[player]
        optimizer.zero_grad(set_to_none=True)
        with self.fabric.autocast():
            losses = loss(batch)
        total = torch.stack([term.float() for term in losses.terms.values()]).sum()
        total.backward()
        gradients = [p.grad for p in network.parameters() if p.grad is not None]
        if self.fabric.world_size > 1:
            self._average_over_processes(gradients)
        rate = learning_rate(getattr(self.config, player), self.step, self.config.steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.step()
        if recorded:  # numbers stay on the device until `_flush`, so that no step waits for them
            norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))
            self.sums[f"gradient/{player}"] = norm
            self.sums |= {f"loss/{player}/{name}": term.detach() for name, term in losses.terms.items()}
            self.sums |= {f"{player}/{name}": value.detach() for name, value in losses.logs.items()}

    def _next_batch(self) -> Batch:
        k = self.batches
        self.batches += 1
        batch = self.data.batch(self.order.indices(k), self.order.rng(k))
        return {name: _to_device(tensor, self.fabric.device) for name, tensor in batch.items()}

    def _average_over_processes(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its mean over all processes.

        Done on the gradients themselves instead of wrapping the networks (DistributedDataParallel): a game may run
        several networks several times per loss and differentiate twice, which the wrapper does not support.
        """
        if tensors:
            flat = torch.cat([t.flatten() for t in tensors])
            self.fabric.all_reduce(flat, reduce_op="mean")
            for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
                tensor.copy_(part.view(tensor.shape))

    def _stop_requested(self, interrupt: Interrupt) -> bool:
        if self.fabric.world_size == 1:
            return interrupt.requested
        # all processes have to stop at the same step
        flag = torch.tensor(float(interrupt.requested), device=self.fabric.device)
        return float(self.fabric.all_reduce(flag, reduce_op="sum")) > 0  # type: ignore[arg-type]

    # --- between steps

    def _after_step(self) -> None:
        c, step, last = self.config, self.step, self.step == self.config.steps
        values: dict[str, float] = {}
        alarms: list[Alarm] = []
        due = step % c.checkpoint_every == 0 or last
        if step % c.log_every == 0:
            values = self._flush()
            alarms = self.monitor.watch(step, values)
            values["seconds"] = self.seconds
        if due and not all(bool(p.isfinite().all()) for p in self.game.parameters()):
            alarms.append(Alarm("divergence", step, "a weight is not finite"))
        if self.folder is not None and c.monitor.every and (step % c.monitor.every == 0 or last):
            found, more = self._inspect()
            values |= found
            alarms += more
            self.metrics |= found
        if self.folder is not None:
            self._report_alarms(alarms, values)
            if (c.preview_every and step % c.preview_every == 0) or last:
                self._preview()
        # losses, gradients and weights are shared, so all processes see a divergence at the same step
        fatal = next((alarm for alarm in alarms if alarm.fatal), None)
        if fatal is not None:
            self._diverged(fatal)
        if due:
            self._save()

    def _flush(self) -> dict[str, float]:
        if not self.sums:
            return {}
        stacked = torch.stack([value.float().mean() for value in self.sums.values()])
        if self.fabric.world_size > 1:
            self.fabric.all_reduce(stacked, reduce_op="mean")
        values = dict(zip(self.sums, stacked.tolist(), strict=True))
        self.sums = {}
        return values

    def _report_alarms(self, alarms: list[Alarm], values: dict[str, float]) -> None:
        assert self.folder is not None
        for alarm in alarms:
            log.warning("%s", alarm)
            values[f"alarm/{alarm.kind}"] = 1.0
        self.alarms += alarms
        if values:
            self.folder.record(self.step, values)

    def _inspect(self) -> tuple[dict[str, float], list[Alarm]]:
        with self._looking_on():
            return self.monitor.inspect(self.step, self.config.steps, self.game, self.average.network)

    def _preview(self) -> None:
        assert self.folder is not None
        with self._looking_on():
            pictures = self.game.preview(self.average.network)
        if pictures is not None:
            self.folder.picture("samples", self.step, grid(pictures.float().cpu().numpy()))
        draw_curves(self.run)

    def _looking_on(self) -> _LookingOn:
        return _LookingOn(self.game, self.fabric)

    def _diverged(self, alarm: Alarm) -> None:
        self._write_report(Report("diverged", self.step, self.seconds, 0.0, self.alarms, self.metrics))
        state, tensors = ck.read_checkpoint(self.checkpoint)
        ck.restore_module("game", self.game, tensors, self.checkpoint)
        ck.restore_module("average", self.game.generator, tensors, self.checkpoint)
        raise TrainingDiverged(f"{alarm} The last good checkpoint, of step {state['step']}, is {self.checkpoint}.")

    def _write_report(self, report: Report) -> None:
        if self.folder is not None:
            self.folder.write_json("report.json", asdict(report))
            draw_curves(self.run)


class _LookingOn:
    """Context for looking at a game without changing it: no gradients, evaluation mode, random states put back
    afterwards."""

    def __init__(self, game: Game, fabric: Fabric) -> None:
        device = fabric.device
        self.game = game
        self.contexts = [
            torch.no_grad(),
            fabric.autocast(),
            torch.random.fork_rng(devices=[device.index or 0] if device.type == "cuda" else []),
        ]

    def __enter__(self) -> None:
        for context in self.contexts:
            context.__enter__()
        self.game.eval()

    def __exit__(self, *error: Any) -> None:
        self.game.train()
        for context in reversed(self.contexts):
            context.__exit__(*error)


def _adam(network: nn.Module, config: OptimizerConfig) -> torch.optim.Adam:
    return torch.optim.Adam(network.parameters(), config.learning_rate, (config.beta1, config.beta2), fused=True)


def _to_device(tensor: Tensor, device: torch.device) -> Tensor:
    if tensor.ndim == 4:
        return tensor.to(device, memory_format=torch.channels_last, non_blocking=True)
    return tensor.to(device, non_blocking=True)
