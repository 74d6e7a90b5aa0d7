"""What the processes of one run tell each other. With a single process, nothing."""

from __future__ import annotations

import atexit

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn


def leave_in_order(fabric: Fabric) -> None:
    """Have this process leave the group of its run before the interpreter ends.

    The threads of a Gloo group that is still there when the interpreter is taken down end the process with SIGABRT now
    and then, after all work is done.
    """
    if fabric.world_size > 1:
        atexit.unregister(_leave)
        atexit.register(_leave)


def _leave() -> None:
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


@torch.no_grad()
def same_in_all_processes(fabric: Fabric, module: nn.Module) -> None:
    """Give all processes the weights and buffers of the first."""
    if fabric.world_size > 1:
        for tensor in module.state_dict().values():
            same = tensor.contiguous()  # channels last is not
            torch.distributed.broadcast(same, 0)
            tensor.copy_(same)


@torch.no_grad()
def average_over_processes(fabric: Fabric, tensors: list[Tensor]) -> None:
    """Replace each tensor by its mean over all processes.

    Done on the gradients themselves instead of wrapping the networks (DistributedDataParallel): a game may run several
    networks several times per loss and differentiate twice, which the wrapper does not support.
    """
    if fabric.world_size > 1 and tensors:
        flat = torch.cat([t.flatten() for t in tensors])
        fabric.all_reduce(flat, reduce_op="mean")
        for tensor, part in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(part.view(tensor.shape))


def any_process(fabric: Fabric, flag: bool) -> bool:
    """Whether `flag` is set in any process: all get the same answer, and act at the same step."""
    if fabric.world_size == 1:
        return flag
    total = fabric.all_reduce(torch.tensor(float(flag), device=fabric.device), reduce_op="sum")
    assert isinstance(total, Tensor)
    return total.item() > 0
