"""The models that come with the package."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neubauer.errors import InputError

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"


@dataclass(frozen=True)
class BundledModel:
    """A model file of the package.

    Attributes
    ----------
    name : what `load` takes.
    path : the `.safetensors` file.
    card : the model card, Markdown.
    """

    name: str
    path: Path
    card: str

    def header(self) -> dict[str, Any]:
        """`{"version", "kind", "config"}`."""
        from neubauer.nets.store import read_header

        return read_header(self.path)


def bundled() -> list[BundledModel]:
    """All models of the package, by name."""
    return [
        BundledModel(path.stem, path, path.with_suffix(".md").read_text(encoding="utf-8"))
        for path in sorted(WEIGHTS.glob("*.safetensors"), key=lambda path: path.stem)
    ]


def resolve(model: str | Path) -> Path:
    """File of a model given by path or by the name of a bundled one.

    Raises
    ------
    InputError : neither a file nor a name; the nearest name is suggested.
    """
    path = Path(model)
    if path.is_file():  # a folder may well be called like a model whose results it holds
        return path
    names = {file.stem: file for file in sorted(WEIGHTS.glob("*.safetensors"))}
    if str(model) in names:
        return names[str(model)]
    near = difflib.get_close_matches(str(model), names, 1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    raise InputError(model, "neither a file nor a bundled model" + hint, "a model file, or one of " + ", ".join(names))
