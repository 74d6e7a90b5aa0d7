"""Has a file changed since?"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def digest(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_state(path: Path) -> dict[str, Any]:
    """Size (bytes), time of the last change and SHA-256; nothing for a file that cannot be read."""
    try:
        stat = path.stat()
        return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns, "sha256": digest(path)}
    except OSError:
        return {}


def unchanged(path: Path, record: Mapping[str, Any]) -> bool:
    """Whether a file is the one of the record. Its content is only looked at where its time is another."""
    try:
        stat = path.stat()
    except OSError:
        return False
    if stat.st_size != record.get("size"):
        return False
    return stat.st_mtime_ns == record.get("mtime_ns") or digest(path) == record.get("sha256")
