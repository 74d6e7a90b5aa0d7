"""`neubauer train translator`, `translate`, `evaluate translator`, and the gate."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Run, one_line, read_csv
from scenes import discs

from neubauer.images.read import open_image
from neubauer.images.write import write_image
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.estimators.style_translator import StyleTranslator, fit_by_gate
from neubauer.models.translator.gate import Gate


@pytest.fixture
def microscopes(tmp_path: Path) -> tuple[Path, Path]:
    """The same kind of cells, under a second microscope dimmer and on a brighter background."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(4):
            image = discs(10, size=96, seed=40 + i)[0]
            write_image(
                tmp_path / name / f"{name}{i}.tif", image if name == "a" else image // 2 + 900, pixel_size_um=(0.5, 0.5)
            )
    return tmp_path / "a", tmp_path / "b"


def test_train_translate_evaluate(run: Run, microscopes: tuple[Path, Path], model: Path, tmp_path: Path) -> None:
    a, b = microscopes
    translator, out = tmp_path / "t.safetensors", tmp_path / "out"
    small = [x for s in ("crop=32", "widths=[16, 24]", "depths=[1, 1]", "training.batch_size=2") for x in ("--set", s)]
    result = run("train", "translator", a, b, "--recipe", "cut", "--out", translator, "--steps", 5, *small)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == [str(translator)]
    assert (tmp_path / "t.run" / "metrics.csv").exists()

    result = run("translate", a, "--model", translator, "--out", out, "--gate", model)
    assert result.exit_code == 0, result.stderr
    made = open_image(out / "a0.tif")
    assert made.shape == (1, 96, 96)
    assert made.dtype == np.uint16
    assert made.pixel_size_um == pytest.approx((0.5, 0.5))
    rows = read_csv(out / "cells.csv")
    assert [row["image"] for row in rows] == ["a0", "a1", "a2", "a3"]
    assert all(abs(int(row["before"]) - 10) <= 1 for row in rows)
    assert "cells kept" in result.stderr

    result = run("evaluate", "translator", translator, a, "--gate", model, "--target", b, "--json")
    assert result.exit_code == 0, result.stderr
    scores = json.loads(result.stdout)
    assert {"kept", "lost", "invented", "kernel_distance", "kernel_distance_before"} <= scores.keys()

    result = run("count", b, "--model", model, "--out", tmp_path / "counted", "--adapt-from", translator, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads((tmp_path / "counted" / "run.json").read_text())["adapt_from"] == "t"


def test_the_gate_sees_lost_and_invented_cells(counter: CellCounter) -> None:
    gate = Gate(counter)
    image, truth = discs(12, size=96, seed=5)
    assert truth.labels is not None
    fewer = np.where(np.isin(truth.labels, [1, 2, 3, 4]), 1000, image).astype(np.uint16)
    drift = gate.check(image, fewer)
    assert (drift.before, drift.kept, drift.lost, drift.invented) == (12, 8, 4, 0)
    assert "4 of 12 cells lost" in drift.flag
    drift = gate.check(fewer, image)
    assert (drift.kept, drift.invented) == (8, 4)
    assert gate.check(image, image).flag == ""


def test_training_by_the_gate_keeps_a_translator_that_keeps_the_cells(counter: CellCounter) -> None:
    """B has no cells: whoever learns to look like it has to lose them."""
    a = [discs(10, size=96, seed=i)[0] for i in range(6)]
    b = [np.random.default_rng(i).normal(1000, 40, (96, 96)).astype(np.uint16) for i in range(6)]
    changes = {
        "crop": 32, "widths": [16, 24], "depths": [1, 1], "contrast": 0.0, "contrast_identity": 0.0,
        "training": {"batch_size": 4, "preview_every": 0, "generator": {"learning_rate": 5e-3}},
    }  # fmt: skip
    gate = Gate(counter)
    translator = StyleTranslator("cut", changes)
    history = fit_by_gate(translator, a, b, gate, steps=200, rounds=8)
    assert history[-1]["drift"] > 0.2
    kept = [row for row in history if row["kept"]]
    assert len(kept) == 1
    assert kept[0]["drift"] == min(row["drift"] for row in history)
    drifts = gate.check_all(translator, a)
    assert sum(d.lost + d.invented for d in drifts) / sum(d.before for d in drifts) == pytest.approx(kept[0]["drift"])


def test_wrong_usage(run: Run, microscopes: tuple[Path, Path], model: Path, tmp_path: Path) -> None:
    a, b = microscopes
    there = tmp_path / "there.safetensors"
    there.write_text("precious")
    for arguments, parts in (
        (("train", "translator", a, b, "--out", there), (there, "--overwrite")),
        (("train", "translator", a, b, "--out", tmp_path / "n", "--recipe", "cat"), ("cat", "cut")),
        (("train", "translator", a, a, "--out", tmp_path / "n"), ("two different kinds",)),
        (("train", "translator", a / "a0.tif", b, "--out", tmp_path / "n"), ("1 image", "at least 2")),
        (("translate", a, "--model", model, "--out", tmp_path / "o"), (model, "counter", "translator")),
        (("translate", a, "--model", there, "--out", tmp_path / "o"), (there, "expected a model file")),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        one_line(result.stderr, "error", *parts)
    assert there.read_text() == "precious"
