"""Which model made the results."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from neubauer.runs.file_state import digest

DIGITS = 16
"""Of the hashes in records; enough to tell models apart."""


def file_digest(path: Path) -> str:
    """The beginning of a file's SHA-256."""
    return digest(path)[:DIGITS]


def counter_digest(counter: Any) -> str:
    """The same of a counter that is in no file: of its config and weights."""
    found = hashlib.sha256(counter.config.model_dump_json().encode())
    for name, tensor in counter.tensors().items():
        found.update(name.encode() + tensor.detach().cpu().numpy().tobytes())
    return found.hexdigest()[:DIGITS]
