"""The kinds of model, and loading one whatever kind it is of."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, Self

from neubauer.errors import InputError
from neubauer.models.shared.bundled import resolve
from neubauer.nets.store import read_header
from neubauer.plugins import Registry


class Model(Protocol):
    """What every kind of model can do beside its own work. Before it is fitted, `save` raises NeubauerError."""

    def save(self, path: str | Path) -> Path:
        """Write one `.safetensors` file."""
        ...

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a file; InputError names it where it is not of this kind, or damaged."""
        ...


KINDS: Registry[type[Model]] = Registry("kind of model", "neubauer.models.estimators", "neubauer.models")
"""Estimators by the kind that the header of their files names."""


def load(model: str | Path) -> Any:
    """Read a model of any kind: a file, or the name of a bundled model (`neubauer models` lists them).

    Returns
    -------
    `CellCounter`, `CellClassifier`, `ImageGenerator`, `StyleTranslator`, `Inpainter`, `SequenceGenerator`, or what a
    package outside has added.

    Raises
    ------
    InputError : neither, no model, or of a kind that nobody knows.
    """
    file = resolve(model)
    kind = str(read_header(file).get("kind"))
    if kind not in KINDS:
        raise InputError(file, f"a model of the kind {kind!r}", "one of " + ", ".join(KINDS))
    return KINDS[kind].load(file)
