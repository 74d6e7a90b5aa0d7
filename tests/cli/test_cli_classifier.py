"""`train classifier`, `evaluate classifier`, `classify`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from drawn_cells import KINDS, draw_cells, write_folders
from PIL import Image
from typer.testing import CliRunner

from neubauer.cli.main import app
from neubauer.models.estimators.cell_classifier import CellClassifier
from neubauer.models.estimators.style_translator import StyleTranslator


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folders(tmp_path_factory.mktemp("cells"), *draw_cells(24, seed=6))


@pytest.fixture(scope="module")
def model(trained: CellClassifier, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return trained.save(tmp_path_factory.mktemp("model") / "kinds.safetensors")


def test_train_then_evaluate(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "svm.safetensors"
    result = run("train", "classifier", folder, "--method", "svm", "--out", out, "--seed", 3)
    assert result.exit_code == 0, result.stderr
    assert "classes: granular 8, round 8, small 8" in result.stderr
    assert run("train", "classifier", folder, "--method", "svm", "--out", out).exit_code == 2  # there already
    scores = tmp_path / "scores"
    result = run("evaluate", "classifier", folder, "--model", out, "--out", scores, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["accuracy"] > 0.8
    assert json.loads((scores / "scores.json").read_text())["classes"] == list(KINDS)
    assert (scores / "confusion.png").stat().st_size > 5000
    table = run("evaluate", "classifier", folder, "--model", out)
    assert "balanced_accuracy" in table.stdout
    assert run("evaluate", "classifier", folder, "--model", out, "--out", scores).exit_code == 2


def test_classify_writes_a_table_and_sheets(folder: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("classify", folder, "--model", model, "--out", out)
    assert result.exit_code == 0, result.stderr
    table = pd.read_csv(out / "classes.csv")
    assert list(table) == ["image", "class", "probability", *KINDS]
    assert len(table) == 24
    assert (table["class"] == [name.split("-")[0] for name in table["image"]]).mean() > 0.85
    assert {p.stem for p in (out / "sheets").iterdir()} == set(table["class"])
    assert json.loads((out / "run.json").read_text())["model"] == "kinds"
    assert run("classify", folder, "--model", model, "--out", out).exit_code == 0  # the same run
    other = run("classify", folder, "--model", model, "--out", out, "--threshold", 0.9)
    assert other.exit_code == 2
    assert "threshold" in other.stderr


def test_a_sheet_shows_the_surest_first(folder: Path, model: Path, tmp_path: Path) -> None:
    result = run("classify", folder, "--model", model, "--out", tmp_path / "o", "--threshold", 0, "--json")
    rows = [r for r in json.loads(result.stdout)["images"] if r["class"] == "small"]
    best = max(rows, key=lambda r: r["probability"])
    cell = Image.open(folder / "small" / f"{best['image']}.png").resize((80, 80), Image.Resampling.BICUBIC)
    sheet = Image.open(tmp_path / "o/sheets/small.png").crop((6, 24, 86, 104))
    assert np.abs(np.asarray(cell, float) - np.asarray(sheet, float)).mean() < 2


def test_bad_files_are_named_and_the_others_done(folder: Path, model: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no image")
    good = sorted((folder / "small").iterdir())[0]
    out = tmp_path / "out"
    result = run("classify", good, bad, "--model", model, "--out", out, "--saliency", "--no-sheets")
    assert result.exit_code == 1
    assert f"failed: {bad}" in result.stderr
    assert len(pd.read_csv(out / "classes.csv")) == 1
    assert [p.stem for p in (out / "saliency").iterdir()] == [good.stem]
    assert not (out / "sheets").exists()
    assert run("classify", bad, "--model", model, "--out", tmp_path / "none").exit_code == 2


def test_images_of_another_microscope_are_adapted_first(folder: Path, model: Path, tmp_path: Path) -> None:
    for name in ("dim", "known"):
        (tmp_path / name).mkdir()
    for file in folder.glob("*/*.png"):
        pixels = np.asarray(Image.open(file))
        Image.fromarray(pixels).save(tmp_path / "known" / file.name)
        Image.fromarray((0.3 * pixels + 20).astype(np.uint8)).save(tmp_path / "dim" / file.name)
    translator = StyleTranslator("reinhard").fit(tmp_path / "dim", tmp_path / "known").save(tmp_path / "t.safetensors")
    right = {}
    for name, options in (("raw", ()), ("adapted", ("--adapt-from", translator))):
        result = run("classify", tmp_path / "dim", "--model", model, "--out", tmp_path / name, *options)
        assert result.exit_code == 0, result.stderr
        table = pd.read_csv(tmp_path / name / "classes.csv")
        right[name] = (table["class"] == [image.split("-")[0] for image in table["image"]]).mean()
    assert right["adapted"] > right["raw"] + 0.2
    assert json.loads((tmp_path / "adapted" / "run.json").read_text())["adapt_from"] == "t"
    shown = [np.asarray(Image.open(next((tmp_path / name / "sheets").iterdir()))).mean() for name in right]
    assert shown[1] > shown[0] + 20  # sheets show what the classifier saw
    wrong = run("classify", tmp_path / "dim", "--model", model, "--out", tmp_path / "no", "--adapt-from", model)
    assert wrong.exit_code == 2
    assert "translator" in wrong.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--method", "knn"), "one of network, cnn, svm, forest"),
        (("--augment", "magic"), "one of classical, gan"),
        (("--labels", "nowhere.csv"), "nowhere.csv"),
        (("--unlabelled", "nowhere"), "no such folder"),
        (("--recipe", "fixmatch"), "no unlabelled images"),
    ],
)
def test_bad_options_are_named(folder: Path, tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    result = run("train", "classifier", folder, "--out", tmp_path / "m.safetensors", *options)
    assert result.exit_code == 2
    assert message in result.stderr
