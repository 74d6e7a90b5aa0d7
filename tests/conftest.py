"""Settings of all tests."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent / "helpers"))
torch.set_num_threads(1)  # the same sums in the same order on every machine

pytest_plugins = ["classifier_fixtures", "gan_fixtures"]
