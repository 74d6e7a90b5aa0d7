"""The supervised loop: it learns, and a training that was stopped ends as if it had not been."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from neubauer.errors import InputError
from neubauer.models.shared.fitting import Checkpoint, Forward, fit


@dataclass(frozen=True)
class Settings:
    steps: int = 60
    learning_rate: float = 0.02
    weight_decay: float = 0.01
    average: float = 0.9
    seed: int = 0


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.1), nn.Conv2d(8, 1, 1)
    )


def blur(stop_at: int | None = None) -> Callable[[Forward, int], dict[str, Tensor]]:
    """The task: find the mean of the 3 x 3 neighbours of noise. Stops itself with Ctrl-C in one of the steps."""

    def losses(forward: Forward, step: int) -> dict[str, Tensor]:
        if step == stop_at:
            os.kill(os.getpid(), signal.SIGINT)
        x = torch.randn(4, 1, 12, 12)
        return {"error": ((forward(x) - nn.functional.avg_pool2d(x, 3, 1, 1)) ** 2).mean()}

    return losses


def test_learns_and_reports() -> None:
    seen: list[tuple[int, float]] = []
    fit(network(), blur(), Settings(), lambda step, losses: seen.append((step, losses["error"])))
    assert [step for step, _ in seen] == [50, 60]
    assert seen[1][1] < 0.5 * seen[0][1]


@pytest.mark.parametrize("stop_at", [7, 20, 58])
def test_a_stopped_training_ends_with_the_same_weights(tmp_path: Path, stop_at: int) -> None:
    whole = fit(network(), blur(), Settings()).state_dict()
    kept = Checkpoint(tmp_path / "c", {"widths": (1, 8)}, every=10)
    with pytest.raises(KeyboardInterrupt):
        fit(network(), blur(stop_at), Settings(), checkpoint=kept)
    resumed = fit(network(), blur(), Settings(), checkpoint=replace(kept, resume=True)).state_dict()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    assert not kept.path.exists()


def test_another_run_is_not_resumed(tmp_path: Path) -> None:
    kept = Checkpoint(tmp_path / "c", {"batch": 8})
    with pytest.raises(KeyboardInterrupt):
        fit(network(), blur(5), Settings(), checkpoint=kept)
    with pytest.raises(InputError, match="batch: 8 -> 4"):
        fit(network(), blur(), Settings(), checkpoint=Checkpoint(kept.path, {"batch": 4}, resume=True))
    with pytest.raises(InputError, match="--resume"):
        fit(network(), blur(), Settings(), checkpoint=kept)
    with pytest.raises(InputError, match="no such file"):
        fit(network(), blur(), Settings(), checkpoint=Checkpoint(tmp_path / "none", resume=True))
