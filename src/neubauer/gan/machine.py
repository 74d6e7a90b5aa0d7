"""What this machine does best: its accelerator, its precision, its memory format."""

from __future__ import annotations

from typing import Literal

import torch

from neubauer.gan.config import TrainingConfig

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


def resolve(config: TrainingConfig) -> TrainingConfig:
    """`config` with every `auto` replaced by what this machine does best."""
    accelerator = best_accelerator() if config.accelerator == "auto" else config.accelerator
    precision = best_precision(accelerator) if config.precision == "auto" else config.precision
    return config.model_copy(update={"accelerator": accelerator, "precision": precision})
