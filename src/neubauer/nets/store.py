"""A model is one `.safetensors` file: the weights, and its config as JSON in the header. Nothing is ever unpickled."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from neubauer.errors import InputError, OutputError
from neubauer.images.write import atomic_path

FORMAT_VERSION = 1


def save_model(path: str | Path, kind: str, config: Mapping[str, Any], tensors: Mapping[str, torch.Tensor]) -> Path:
    """Write a model atomically (a file that is there is replaced only when the new one is complete).

    Parameters
    ----------
    path : file to write, usually `*.safetensors`.
    kind : what the model is, e.g. `"counter"`; `load_model` insists on it.
    config : JSON-serialisable; everything needed to rebuild the model.
    tensors : the weights by name.

    Raises
    ------
    OutputError : the file cannot be written.
    """
    path = Path(path)
    header = {"neubauer": json.dumps({"version": FORMAT_VERSION, "kind": kind, "config": dict(config)})}
    # clone: safetensors refuses tensors that share memory (tied weights)
    contiguous = {name: t.detach().to("cpu", copy=True).contiguous() for name, t in tensors.items()}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path.parent}: cannot be made ({error.strerror or error})") from error
    with atomic_path(path) as temporary:
        temporary.write_bytes(save(contiguous, metadata=header))  # save_file would let nobody else read it
    return path


def read_header(path: str | Path) -> dict[str, Any]:
    """`{"version", "kind", "config"}` of a model file, without reading its weights.

    Raises
    ------
    InputError : not a file, not safetensors, not written by `neubauer`, or of a version that is not known.
    """
    expected = "a model file written by neubauer (.safetensors)"
    if not Path(path).is_file():
        raise InputError(path, "a folder" if Path(path).is_dir() else "no such file", expected)
    try:
        with safe_open(path, framework="pt") as file:
            text = (file.metadata() or {}).get("neubauer")
        header = json.loads(text) if text else None
    except (SafetensorError, OSError, ValueError, RecursionError) as error:  # deeply nested JSON
        raise InputError(path, f"something else ({error})", expected) from error
    if not isinstance(header, dict) or not {"version", "kind", "config"} <= header.keys():
        raise InputError(path, "safetensors without neubauer's header", expected)
    version, kind, config = header["version"], header["kind"], header["config"]
    if type(version) is not int or version < 1:
        raise InputError(path, f"format version {version!r}", f"a whole number, 1 to {FORMAT_VERSION}")
    if version > FORMAT_VERSION:
        raise InputError(path, f"format version {version}", f"at most {FORMAT_VERSION}: update neubauer")
    if not isinstance(kind, str) or not isinstance(config, dict):
        raise InputError(path, "a header whose kind is no text or whose config is no object", expected)
    return header


def load_model(path: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Config and weights of a model of the given kind.

    Raises
    ------
    InputError : as `read_header`, or the file holds a model of another kind.
    """
    header = read_header(path)
    if header["kind"] != kind:
        raise InputError(path, f"a model of kind {header['kind']!r}", f"a model of kind {kind!r}")
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    return header["config"], tensors
