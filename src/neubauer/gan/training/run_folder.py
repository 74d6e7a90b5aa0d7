"""The folder of one training run: config, metrics, pictures, checkpoint, report."""

from __future__ import annotations

import csv
import json
import logging
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.errors import InputError, OutputError
from neubauer.gan.config.base import differences

log = logging.getLogger("neubauer.gan")

CHECKPOINT = "checkpoint.safetensors"


class RunFolder:
    """`config.json`, `metrics.csv`, TensorBoard events, `samples/`, `checkpoint.safetensors`, `report.json`, `log.txt`.

    Parameters
    ----------
    path : the folder; made if missing.
    resume_step : rows and events behind this step belong to a part of the run that is repeated, and are dropped.
    """

    def __init__(self, path: Path, resume_step: int = 0) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.path = path
        try:
            (path / "samples").mkdir(parents=True, exist_ok=True)
            self._handler = logging.FileHandler(path / "log.txt")
        except OSError as error:
            raise OutputError(f"{path}: the run folder cannot be written ({error})") from error
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        log.addHandler(self._handler)
        self._columns: list[str] = ["step"]
        rows = [row for row in self.rows() if int(row["step"]) <= resume_step] if resume_step else []
        self._rewrite(rows)
        self._events = SummaryWriter(str(path), purge_step=resume_step + 1 if resume_step else None)

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.csv"

    def rows(self) -> list[dict[str, str]]:
        """The rows of `metrics.csv`; a value that was not measured at a step is empty."""
        return read_metrics(self.path)

    def record(self, step: int, values: Mapping[str, float]) -> None:
        """One row of numbers: to the CSV and to TensorBoard."""
        for name, value in values.items():
            self._events.add_scalar(name, value, step)
        if not set(values) <= set(self._columns):
            rows = self.rows()
            self._columns += [name for name in values if name not in self._columns]
            self._rewrite(rows)
        with self.metrics_file.open("a", newline="") as file:
            csv.DictWriter(file, self._columns).writerow({"step": step, **{k: f"{v:.6g}" for k, v in values.items()}})

    def picture(self, name: str, step: int, grid: np.ndarray) -> Path:
        """Save an (Y, X, 3) uint8 picture as `samples/<name>-<step>.png`."""
        from PIL import Image

        file = self.path / "samples" / f"{name}-{step:07d}.png"
        Image.fromarray(grid).save(file)
        self._events.add_image(name, grid, step, dataformats="HWC")
        return file

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        (self.path / name).write_text(json.dumps(content, indent=2) + "\n")

    def close(self) -> None:
        self._events.close()
        log.removeHandler(self._handler)
        self._handler.close()

    def _rewrite(self, rows: list[dict[str, str]]) -> None:
        self._columns = list(dict.fromkeys([*self._columns, *(name for row in rows for name in row)]))
        temporary = self.metrics_file.with_suffix(".tmp")
        with temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows(rows)
        temporary.replace(self.metrics_file)


def read_metrics(run: Path) -> list[dict[str, str]]:
    """The rows of a run's `metrics.csv` as text; empty list where there is none."""
    file = run / "metrics.csv"
    if not file.exists():
        return []
    with file.open(newline="") as stream:
        return list(csv.DictReader(stream))


def read_config(run: Path) -> dict[str, Any]:
    """A run's `config.json`.

    Raises
    ------
    InputError : missing or not JSON.
    """
    file = run / "config.json"
    try:
        return json.loads(file.read_text())
    except (OSError, ValueError) as error:
        raise InputError(file, f"no usable config ({error})", "the folder of a training run") from error


def check_resumable(run: Path, identity: Mapping[str, Any], may_differ: Collection[str]) -> None:
    """Whether the run in this folder can go on as what `identity` describes.

    Raises
    ------
    InputError : there is no checkpoint; or a key that is not in `may_differ` has another value: each is named.
    """
    if not (run / CHECKPOINT).exists():
        raise InputError(run, "no checkpoint", "a run that has one")
    changed = {d.split(":")[0]: d for d in differences(read_config(run), identity)}
    changed = {key: text for key, text in changed.items() if key not in may_differ}
    processes = [changed[key] for key in ("training.devices", "training.nodes") if key in changed]
    if processes:
        found = f"another number of processes ({'; '.join(processes)})"
        raise InputError(run, found, "the number that the run started with")
    if changed:
        found = f"another config ({'; '.join(changed.values())})"
        raise InputError(run, found, "the config of the run that is resumed")


@contextmanager
def kept_or_temporary(folder: str | Path | None) -> Iterator[Path]:
    """The folder of a run; without one, a new folder that is gone afterwards."""
    if folder is not None:
        yield Path(folder)
    else:
        with tempfile.TemporaryDirectory() as new:
            yield Path(new) / "run"
