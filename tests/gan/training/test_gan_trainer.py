from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from neubauer.errors import InputError, OutputError
from neubauer.gan.build import build_game
from neubauer.gan.game import Game, Losses
from neubauer.gan.training.checkpoint import read_checkpoint
from neubauer.gan.training.report import TrainingDiverged
from neubauer.gan.training.trainer import Trainer

# everything that draws random numbers while training: dropout, augmentation, power iterations, latents, noise
SCRIPT = """
import os, sys, time
import numpy as np
import torch
from neubauer.gan.build import build_game
from neubauer.gan.config.base import validate
from neubauer.gan.config.image import ImageGanConfig
from neubauer.gan.data.images import images_from_array
from neubauer.gan.training.trainer import Trainer

torch.set_num_threads(1)
run, mode, pause, devices = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
training = {"steps": 60, "batch_size": 8, "log_every": 4, "checkpoint_every": 7, "preview_every": 0,
            "discriminator_steps": 2, "devices": devices, "accelerator": "cpu", "precision": "bfloat16",
            "monitor": {"every": 0}, "generator": {"schedule": "cosine"}}
config = validate(ImageGanConfig, {
    "latent": 4, "spectral_norm": True, "r1": 1.0, "penalty_every": 2, "instance_noise": 0.1, "training": training,
    "augment": {"probability": 0.3, "adaptive": True}, "conditioning": "projection",
    "generator": {"net": "dcgan", "widths": [8, 8]},
    "discriminator": {"net": "dcgan", "widths": [8, 8], "dropout": 0.2, "batch_norm": True}}, "test")
images = np.random.default_rng(0).integers(0, 255, (37, 1, 8, 8), dtype=np.uint8)

class Slow:
    def __init__(self, data): self.data = data
    def __len__(self): return len(self.data)
    def batch(self, indices, rng):
        time.sleep(pause)
        return self.data.batch(indices, rng)

data = images_from_array(images, ["a"] * 20 + ["b"] * 17)
game = build_game(config, data.shape, 2)
trainer = Trainer(config.training, run, resume=mode == "resume", progress=False)
report = trainer.fit(game, Slow(data))
total = sum(p.double().abs().sum().item() for p in game.parameters())
line = f"\\n{trainer.fabric.global_rank} {report.reason} {report.step} {total}\\n"
os.write(1, line.encode())  # in one piece: two processes share the pipe
"""


def run_script(tmp_path: Path, run: str, mode: str = "start", pause: float = 0.0, devices: int = 1) -> subprocess.Popen:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(tmp_path / run), mode, str(pause), str(devices)]
    env = {k: v for k, v in os.environ.items() if k not in ("LOCAL_RANK", "WORLD_SIZE")} | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def wait_for_rows(run: Path, n: int) -> None:
    deadline = time.monotonic() + 60
    while not (run / "metrics.csv").exists() or len(rows(run)) < n:
        assert time.monotonic() < deadline, "the run does not get on"
        time.sleep(0.01)


def finish(process: subprocess.Popen) -> str:
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    return output


def test_a_killed_run_resumes_bit_for_bit(tmp_path):
    finish(run_script(tmp_path, "whole"))
    random = np.random.default_rng()  # where it is killed differs from run to run; that must not matter
    for kill in range(2):
        process = run_script(tmp_path, "killed", "resume" if kill else "start", pause=0.01)
        wait_for_rows(tmp_path / "killed", int(random.integers(3, 6)) + 5 * kill)
        time.sleep(float(random.uniform(0, 0.1)))
        process.send_signal(signal.SIGKILL)
        process.wait()
    finish(run_script(tmp_path, "killed", "resume"))
    whole, killed = (load_file(tmp_path / run / "checkpoint.safetensors") for run in ("whole", "killed"))
    assert whole.keys() == killed.keys()
    different = [name for name in whole if not torch.equal(whole[name], killed[name])]
    assert different == []
    numbers = [
        [{k: v for k, v in r.items() if k != "seconds"} for r in rows(tmp_path / run)] for run in ("whole", "killed")
    ]
    assert numbers[0] == numbers[1]


def test_ctrl_c_stops_with_a_checkpoint_and_the_run_goes_on(tmp_path):
    process = run_script(tmp_path, "run", pause=0.01)
    wait_for_rows(tmp_path / "run", 2)
    process.send_signal(signal.SIGINT)
    assert "interrupted" in finish(process)
    state, _ = read_checkpoint(tmp_path / "run" / "checkpoint.safetensors")
    assert 8 <= state["step"] < 60
    assert json.loads((tmp_path / "run" / "report.json").read_text())["step"] == state["step"]
    assert "0 finished 60" in finish(run_script(tmp_path, "run", "resume"))


def test_two_processes_share_one_run(tmp_path):
    output = finish(run_script(tmp_path, "run", devices=2))
    ends = dict(re.findall(r"([01]) finished (\d+ [\d.]+)", output))
    assert [len(ends), len(set(ends.values()))] == [2, 1], output  # the same weights in both
    assert len(rows(tmp_path / "run")) == 15
    _, tensors = read_checkpoint(tmp_path / "run" / "checkpoint.safetensors")
    assert not torch.equal(*tensors["random"])  # but each of the two draws for itself
    process = run_script(tmp_path, "run", "resume", devices=1)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "another number of processes (training.devices: 2 -> 1)" in output


class Regression(Game):
    """A game without an adversary whose loss is linear in the items: half batches have to average to the whole."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = torch.nn.Linear(3, 1)

    def generator_loss(self, batch):
        error = (self.generator(batch["x"]) - batch["y"]).square().mean()
        return Losses({"error": error})


class Table:
    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.x = torch.from_numpy(rng.normal(size=(64, 3))).float()
        self.y = self.x @ torch.tensor([[1.0], [-2.0], [0.5]]) + 3

    def __len__(self) -> int:
        return 64

    def batch(self, indices, rng):
        return {"x": self.x[indices], "y": self.y[indices]}


def config(small, **training):
    return small("dcgan", {"training": training}).training


def test_any_game_runs_without_images_or_adversary(small, tmp_path):
    torch.manual_seed(0)
    game = Regression()
    schedule = {"learning_rate": 0.1, "schedule": "cosine"}
    report = Trainer(config(small, steps=200, batch_size=16, generator=schedule), tmp_path / "run", progress=False).fit(
        game, Table()
    )
    assert report.reason == "finished"
    torch.testing.assert_close(game.generator.weight.data, torch.tensor([[1.0, -2.0, 0.5]]), atol=0.02, rtol=0)
    assert float(rows(tmp_path / "run")[-1]["loss/generator/error"]) < 1e-3


def test_run_folder(small, blob_set, tmp_path):
    run = tmp_path / "run"
    configured = small("acgan", {"training": {"preview_every": 10, "monitor": {"every": 10, "samples": 32}}})
    game = build_game(configured, blob_set.shape, 2)
    report = Trainer(configured.training, run, description={"data": 1}, progress=False).fit(game, blob_set)
    assert json.loads((run / "config.json").read_text())["training"]["steps"] == 20
    assert [r["step"] for r in rows(run)] == ["5", "10", "15", "20"]
    assert float(rows(run)[0]["loss/discriminator/adversarial"]) > 0
    assert sorted(p.name for p in (run / "samples").iterdir()) == ["samples-0000010.png", "samples-0000020.png"]
    assert (run / "curves.png").stat().st_size > 1000
    assert list(run.glob("events.out.tfevents.*"))
    assert json.loads((run / "report.json").read_text())["reason"] == "finished"
    assert report.items_per_second > 0
    # nothing in the folder can hide code
    assert not [p for p in run.rglob("*") if p.suffix in (".pt", ".pth", ".pkl", ".ckpt")]


def test_a_slow_training_shows_something_by_the_clock_and_says_that_it_is_slow(
    small, blob_set, tmp_path, monkeypatch, caplog
):
    """A second a step seems to pass: pictures come after 40 s, and every 110 s from then on, and one at a stop."""
    now = iter(range(10_000_000))
    monkeypatch.setattr("neubauer.gan.training.clock.time.monotonic", lambda: float(next(now)))
    configured = small(
        "sngan", {"training": {"steps": 100_000, "preview_every": 50_000, "log_every": 50, "monitor": {"every": 0}}}
    )
    game = build_game(configured, blob_set.shape)
    trainer = Trainer(configured.training, tmp_path, progress=False)
    play = trainer._play

    def then_stop() -> None:
        play()
        if trainer.state.step == 180:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(trainer, "_play", then_stop)
    assert trainer.fit(game, blob_set).reason == "interrupted"
    steps = [int(p.stem.split("-")[1]) for p in sorted((tmp_path / "samples").iterdir())]
    assert 30 < steps[0] <= 40
    assert steps[-1] == 180
    assert 2 <= len(steps) <= 4
    assert any("left at this speed" in r.message for r in caplog.records)


def test_looking_on_does_not_change_training(small, blob_set, tmp_path):
    """Previews and inspections draw random numbers of their own."""
    ends = []
    for i, every in enumerate((0, 3)):
        configured = small("sngan", {"training": {"steps": 9, "preview_every": every, "monitor": {"every": 0}}})
        game = build_game(configured, blob_set.shape)
        Trainer(configured.training, tmp_path / str(i), progress=False).fit(game, blob_set)
        ends.append(torch.cat([p.flatten() for p in game.parameters()]))
    assert torch.equal(*ends)


def test_training_leaves_the_callers_random_numbers_alone(small, tmp_path):
    game = Regression()
    before = torch.get_rng_state()
    Trainer(config(small), tmp_path / "run", progress=False).fit(game, Table())
    assert torch.equal(torch.get_rng_state(), before)


def test_refuses_to_resume_under_another_config(small, tmp_path):
    run = tmp_path / "run"
    Trainer(config(small), run, description={"r1": 1.0}, progress=False).fit(Regression(), Table())
    with pytest.raises(InputError, match="a run that is there already"):
        Trainer(config(small), run, progress=False)
    with pytest.raises(InputError, match=r"r1: 1.0 -> 2.0; training.batch_size: 32 -> 16"):
        Trainer(config(small, batch_size=16), run, description={"r1": 2.0}, resume=True, progress=False)
    longer = Trainer(
        config(small, steps=30),
        run,
        description={"r1": 1.0},
        resume=True,
        may_differ={"training.steps"},
        progress=False,
    )
    assert longer.fit(Regression(), Table()).step == 30
    with pytest.raises(InputError, match="no checkpoint"):
        Trainer(config(small), tmp_path / "none", resume=True, progress=False)


def test_corrupt_checkpoint_is_named(small, tmp_path):
    run = tmp_path / "run"
    Trainer(config(small), run, progress=False).fit(Regression(), Table())
    file = run / "checkpoint.safetensors"
    content = file.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"not a checkpoint at all"):
        file.write_bytes(damaged)
        with pytest.raises(InputError, match=r"checkpoint.safetensors"):
            Trainer(config(small), run, resume=True, progress=False).fit(Regression(), Table())


def test_other_networks_are_named(small, tmp_path):
    run = tmp_path / "run"
    Trainer(config(small), run, progress=False).fit(Regression(), Table())
    other = Regression()
    other.generator = torch.nn.Linear(5, 1)
    with pytest.raises(InputError, match=r"game.generator.weight of shape \(1, 3\); expected shape \(1, 5\)"):
        Trainer(config(small), run, resume=True, progress=False).fit(other, Table())


def test_previous_checkpoint_survives_a_full_disk(tmp_path):
    """With a limit on the size of files, the second checkpoint cannot be written."""
    script = """
import resource, signal, sys, torch
from pathlib import Path
from neubauer.errors import OutputError
from neubauer.gan.training.checkpoint import write_checkpoint
file = Path(sys.argv[1]) / "checkpoint.safetensors"
write_checkpoint(file, {"step": 1}, {"w": torch.ones(100)})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    write_checkpoint(file, {"step": 2}, {"w": torch.ones(100_000)})
except OutputError as error:
    print("refused:", error)
"""
    output = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert "refused:" in output.stdout, output.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["checkpoint.safetensors"]  # no half file either
    state, tensors = read_checkpoint(tmp_path / "checkpoint.safetensors")
    assert state == {"step": 1}
    assert torch.equal(tensors["w"], torch.ones(100))


def test_unwritable_run_folder(small, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        Trainer(config(small), tmp_path / "file" / "run", progress=False).fit(Regression(), Table())


def test_divergence_stops_and_keeps_the_last_good_checkpoint(small, tmp_path):
    class Exploding(Regression):
        def generator_loss(self, batch):
            losses = super().generator_loss(batch)
            if self.step >= 12:
                losses.terms["error"] = losses.terms["error"] * float("inf")
            return losses

    game = Exploding()
    settings = config(small, steps=100, checkpoint_every=10, log_every=1)
    with pytest.raises(TrainingDiverged, match=r"step 13: divergence: .*lower the learning rates.*of step 10"):
        Trainer(settings, tmp_path / "run", progress=False).fit(game, Table())
    state, tensors = read_checkpoint(tmp_path / "run" / "checkpoint.safetensors")
    assert state["step"] == 10
    assert torch.equal(game.generator.weight, tensors["average.weight"])
    report = json.loads((tmp_path / "run" / "report.json").read_text())
    assert report["reason"] == "diverged"
    assert report["alarms"][0]["kind"] == "divergence"
    assert "divergence" in (tmp_path / "run" / "log.txt").read_text()
    assert rows(tmp_path / "run")[-1]["alarm/divergence"] == "1"
