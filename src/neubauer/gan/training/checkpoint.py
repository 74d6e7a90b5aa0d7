"""The whole state of a run in one safetensors file: tensors by name, the rest as JSON in its header. Nothing is
pickled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from neubauer.errors import InputError
from neubauer.nets.store import load_model, save_model

KIND = "checkpoint"


def write_checkpoint(path: Path, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write atomically: whatever goes wrong (a full disk, a kill), the checkpoint that was there stays.

    Raises
    ------
    OutputError : it cannot be written.
    """
    save_model(path, KIND, state, tensors)


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """State and tensors of a checkpoint.

    Raises
    ------
    InputError : missing, corrupt, or not a checkpoint.
    """
    return load_model(path, KIND)


def module_tensors(prefix: str, module: nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer as `prefix.<name>`."""
    return {f"{prefix}.{name}": t for name, t in module.state_dict().items()}


@torch.no_grad()
def restore_module(prefix: str, module: nn.Module, tensors: Mapping[str, Tensor], where: Path) -> None:
    """Copy into the module's own tensors, which keep their memory format and device.

    Raises
    ------
    InputError : a tensor is missing or has another shape; `where` is named.
    """
    for name, mine in module.state_dict().items():
        theirs = tensors.get(f"{prefix}.{name}")
        if theirs is None or theirs.shape != mine.shape:
            found = f"{prefix}.{name} " + ("missing" if theirs is None else f"of shape {tuple(theirs.shape)}")
            raise InputError(where, found, f"shape {tuple(mine.shape)}, as the run's networks have it")
        mine.copy_(theirs)


def optimizer_tensors(prefix: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The state of every parameter as `prefix.<index of the parameter>.<name of the state>`."""
    return {
        f"{prefix}.{i}.{name}": value
        for i, p in enumerate(_parameters(optimizer))
        for name, value in optimizer.state.get(p, {}).items()
    }


def restore_optimizer(prefix: str, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    """Rebuild the state beside the parameters and in their memory format: fused optimisers walk both in step."""
    parameters = _parameters(optimizer)
    for name, value in tensors.items():
        if name.startswith(f"{prefix}."):
            index, key = name.removeprefix(f"{prefix}.").split(".", 1)
            p = parameters[int(index)]
            like = torch.empty_like(p, dtype=value.dtype) if value.shape == p.shape else value.to(p.device)
            optimizer.state[p][key] = like.copy_(value)


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def random_state(device: torch.device) -> Tensor:
    """State of PyTorch's global generators as bytes: the CPU's, followed by the GPU's where the run is on one."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return torch.cat(states)


def restore_random_state(state: Tensor, device: torch.device) -> None:
    n = torch.get_rng_state().numel()
    torch.set_rng_state(state[:n].clone())
    if device.type == "cuda":
        torch.cuda.set_rng_state(state[n:].clone(), device)
