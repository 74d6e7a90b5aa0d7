"""Settings of all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))  # for `scenes`


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """The same sums in the same order on every machine."""
    torch.set_num_threads(1)
