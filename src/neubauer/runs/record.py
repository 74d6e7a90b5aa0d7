"""`run.json`: what made the results in a folder, and of what."""

from __future__ import annotations

import json
import os
import platform
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from neubauer.errors import InputError

FILE = "run.json"
IMAGES, SESSIONS = "images", "sessions"


@dataclass
class Record:
    """The record of a run.

    Attributes
    ----------
    settings : all that the results depend on: verb, version, models with their hashes, options.
    images : by the name of the results the file, and once it is done its size (bytes) and SHA-256.
    sessions : of each call when it began and ended, on what machine, and how many items it did and failed in.
    """

    settings: dict[str, Any]
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: list[dict[str, Any]] = field(default_factory=list)

    def text(self) -> str:
        """As JSON."""
        return json.dumps(self.settings | {IMAGES: self.images, SESSIONS: self.sessions}, indent=2) + "\n"

    def files(self) -> dict[str, str]:
        """The file of each image, by name."""
        return {name: entry["file"] for name, entry in self.images.items()}

    def differences(self, settings: Mapping[str, Any], files: Mapping[str, str]) -> list[str]:
        """What another run would do otherwise: settings; images that have another name, or names of other images (at
        most the first of each)."""
        every = sorted({*self.settings, *settings})
        found = [f"{k}: {self.settings.get(k)!r} there" for k in every if self.settings.get(k) != settings.get(k)]
        mine = self.files()
        names = {file: name for name, file in mine.items()}
        other = [f"{n} is {mine[n]} there" for n, file in files.items() if mine.get(n, file) != file]
        renamed = [f"{file} is called {names[file]} there" for n, file in files.items() if names.get(file, n) != n]
        return found + (other[:1] or renamed[:1])

    def begin(self) -> dict[str, Any]:
        """Note that a call begins; its entry, to be completed when it ends."""
        entry = {
            "id": uuid.uuid4().hex[:12],
            "started": _now(),
            "ended": None,
            "done": 0,
            "failed": 0,
            "machine": machine(),
        }
        self.sessions.append(entry)
        return entry


def end(session: dict[str, Any], done: int, failed: int) -> None:
    """Note that a call has ended."""
    session |= {"ended": _now(), "done": done, "failed": failed}


def read_record(path: Path) -> Record:
    """Read a record.

    Raises
    ------
    InputError : the file is none.
    """
    expected = "the record of a run; or --overwrite"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(path, "no valid JSON", expected) from error
    images = found.pop(IMAGES, {}) if isinstance(found, dict) else None
    if not isinstance(images, dict) or not all(isinstance(e, dict) and "file" in e for e in images.values()):
        raise InputError(path, "JSON without settings and the files of images", expected)
    sessions = found.pop(SESSIONS, [])
    return Record(found, images, sessions if isinstance(sessions, list) else [])


def machine() -> dict[str, Any]:
    """This one, in words."""
    import torch

    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return {
        "host": platform.node(),
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "device": device,
    }


def _processor() -> str:
    """Its name; Python itself knows only the architecture on Linux."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
