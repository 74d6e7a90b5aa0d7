"""What this machine does best: its accelerator, its precision, its memory."""

from __future__ import annotations

import ctypes
import sys
from typing import Literal

import torch

from neubauer.gan.config.base import TrainingConfig

Accelerator = Literal["cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]


def best_accelerator() -> Accelerator:
    return "cuda" if torch.cuda.is_available() else "cpu"


def best_precision(accelerator: Accelerator) -> Precision:
    """bfloat16 where the machine multiplies it in hardware (CPU: AVX512-BF16 or AMX), since elsewhere it is emulated
    and slower."""
    if accelerator == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bfloat16" if fast else "float32"


def bfloat16_is_fast(device: torch.device) -> bool:
    """Whether autocast to bfloat16 pays on this device."""
    return best_precision("cuda" if device.type == "cuda" else "cpu") == "bfloat16"


def keep_freed_memory() -> None:
    """Have the C library of Linux keep freed memory for the next step, up to 2 GB.

    By default it gives large tensors back to the system at once, which maps and clears them anew in every step: some
    7 % of a training step on a CPU.
    """
    if sys.platform == "linux":
        library = ctypes.CDLL(None)
        if hasattr(library, "mallopt"):  # other C libraries than glibc have none
            library.mallopt(-3, 2**30)  # M_MMAP_THRESHOLD
            library.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def resolve(config: TrainingConfig) -> TrainingConfig:
    """`config` with every `auto` replaced by what this machine does best."""
    accelerator = best_accelerator() if config.accelerator == "auto" else config.accelerator
    precision = best_precision(accelerator) if config.precision == "auto" else config.precision
    return config.model_copy(update={"accelerator": accelerator, "precision": precision})
