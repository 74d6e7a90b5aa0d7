"""Model files: one file, nothing pickled, and a bad one is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from neubauer.errors import InputError, OutputError
from neubauer.nets import store
from neubauer.nets.store import load_model, read_header, save_model

TENSORS = {"weight": torch.arange(6.0).reshape(2, 3), "n": torch.tensor(7), "half": torch.ones(4).half()}
CONFIG = {"classes": ["é", "b"], "diameter": 3.5}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_model(tmp_path / "new" / "m.safetensors", "counter", CONFIG, TENSORS)


def test_comes_back_as_it_was(model: Path) -> None:
    config, tensors = load_model(model, "counter")
    assert config == CONFIG
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        assert tensors[name].dtype == value.dtype
        assert torch.equal(tensors[name], value)
    assert read_header(model) == {"version": store.FORMAT_VERSION, "kind": "counter", "config": CONFIG}


def test_tensors_may_share_memory_and_be_transposed(tmp_path: Path) -> None:
    weight = torch.arange(6.0).reshape(2, 3)
    _, tensors = load_model(save_model(tmp_path / "m", "k", {}, {"a": weight, "b": weight, "c": weight.T}), "k")
    assert torch.equal(tensors["b"], weight)
    assert torch.equal(tensors["c"], weight.T)


def test_others_may_read_what_they_may_read_elsewhere(model: Path) -> None:
    other = model.with_name("other")
    other.write_bytes(b"")
    assert model.stat().st_mode == other.stat().st_mode


def test_another_kind_is_refused(model: Path) -> None:
    with pytest.raises(InputError, match=r"m\.safetensors: found a model of kind 'counter'; expected .*'generator'"):
        load_model(model, "generator")


@pytest.mark.parametrize("content", [b"", b"this is not a model", b"PK\x03\x04" * 50, b"\xff" * 100])
def test_what_is_not_a_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "fake.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"fake\.safetensors.*expected a model file"):
        load_model(path, "counter")


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_header(tmp_path / "absent.safetensors")
    with pytest.raises(InputError, match="a folder"):
        read_header(tmp_path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}, {"neubauer": "[1]"}, {"neubauer": "{}"}])
def test_safetensors_of_others_are_refused(tmp_path: Path, metadata: dict[str, str] | None) -> None:
    path = tmp_path / "theirs.safetensors"
    save_file(TENSORS, path, metadata=metadata)
    with pytest.raises(InputError, match=r"theirs\.safetensors.*without neubauer's header"):
        load_model(path, "counter")


@pytest.mark.parametrize("left", [0.3, 0.99])
def test_truncated_files_are_refused(model: Path, left: float) -> None:
    data = model.read_bytes()
    model.write_bytes(data[: int(left * len(data))])
    with pytest.raises(InputError, match=r"m\.safetensors"):
        load_model(model, "counter")


def test_newer_formats_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    header = {"version": store.FORMAT_VERSION + 1, "kind": "counter", "config": {}}
    save_file(TENSORS, path, metadata={"neubauer": json.dumps(header)})
    with pytest.raises(InputError, match=f"format version {store.FORMAT_VERSION + 1}.*update neubauer"):
        load_model(path, "counter")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        *(({"version": version}, "format version") for version in ("x", None, [1], 1.5, True, 0)),
        ({"kind": 3}, "a header"),
        ({"config": "x"}, "a header"),
    ],
)
def test_a_header_of_wrong_types_is_refused(tmp_path: Path, changes: dict[str, object], found: str) -> None:
    header = {"version": store.FORMAT_VERSION, "kind": "counter", "config": {}} | changes
    save_file(TENSORS, tmp_path / "m.safetensors", metadata={"neubauer": json.dumps(header)})
    with pytest.raises(InputError, match=rf"m\.safetensors: found {found}.*; expected "):
        read_header(tmp_path / "m.safetensors")


def test_a_header_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "m.safetensors", metadata={"neubauer": "[" * 100_000})
    with pytest.raises(InputError, match=r"m\.safetensors.*expected a model file"):
        read_header(tmp_path / "m.safetensors")


def test_a_failed_write_leaves_the_old_file(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(self: Path, data: bytes) -> int:
        with open(self, "wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    before = model.read_bytes()
    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(OutputError, match=r"m\.safetensors.*No space left"):
        save_model(model, "counter", {"other": 1}, TENSORS)
    monkeypatch.undo()
    assert model.read_bytes() == before
    assert [p.name for p in model.parent.iterdir()] == [model.name]


def test_where_nothing_can_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="file: cannot be made"):
        save_model(tmp_path / "file" / "m.safetensors", "counter", {}, TENSORS)
