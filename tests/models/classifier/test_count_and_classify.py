"""A counter and a classifier together."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import shapely
from drawn_cells import draw_cell
from PIL import Image
from scipy.stats import binom
from typer.testing import CliRunner

from neubauer.cells.measure import measure
from neubauer.cells.regions.prepare import make_regions
from neubauer.cells.regions.regions import Region
from neubauer.cells.regions.table import regions_table
from neubauer.cells.table import Cells, CountEstimate
from neubauer.cli.main import app
from neubauer.errors import InputError
from neubauer.models.classifier.cells import draws_interval
from neubauer.models.counter.parts import count_regions
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.estimators.cell_classifier import CellClassifier

PLACES = ((20, 30), (28, 120), (100, 40), (96, 110), (150, 150), (160, 12))
TRUE = ("granular", "round", "round", "granular", "round", "round")
DIAMETER = 32


def scene() -> tuple[np.ndarray, Cells]:
    """(3, 180, 180) with white cells twice as large as the classifier knows them, one of them at the edge; a counter
    has found them, and two red cells."""
    rng = np.random.default_rng(3)
    image = np.full((3, 220, 220), 225, np.uint8)
    labels = np.zeros((180, 180), np.int32)
    yy, xx = np.mgrid[:180, :180]
    for i, ((y, x), kind) in enumerate(zip(PLACES, TRUE, strict=True), 1):
        image[:, y - 12 : y + 52, max(x - 12, 0) : x + 52] = draw_cell(kind, rng, 64, DIAMETER)[:, :, max(12 - x, 0) :]
        labels[np.hypot(yy - y, xx - x) < DIAMETER / 2] = i
    for i, (y, x) in enumerate(((60, 80), (130, 80)), len(TRUE) + 1):
        labels[np.hypot(yy - y, xx - x) < 6] = i
    table = measure(labels)
    table.insert(0, "image", "scene")
    table.insert(2, "class", ["WBC"] * len(TRUE) + ["RBC"] * 2)
    table.insert(3, "probability", 0.9)
    n = len(TRUE)
    estimates = {"RBC": CountEstimate(2, 1, 4), "WBC": CountEstimate(n, n - 1, n + 2), "total": CountEstimate(8, 6, 11)}
    cells = Cells(table, ("RBC", "WBC"), "scene", (180, 180), labels, estimates=estimates)
    return image[:, 20:200, 20:200], cells


def test_two_lines_compose(trained: CellClassifier) -> None:
    image, cells = scene()
    after = trained.classify_cells(cells, image, classes=["WBC"])
    assert tuple(after.table["class"]) == (*TRUE, "RBC", "RBC")
    assert tuple(after.table["object_class"]) == ("WBC",) * 6 + ("RBC",) * 2
    assert (after.table["object_probability"] == 0.9).all()
    assert after.classes == ("RBC", "granular", "round", "small", "unknown")
    assert after.counts() == {"RBC": 2, "granular": 2, "round": 4, "small": 0, "unknown": 0}
    assert after.info["classified_diameter"] == pytest.approx(DIAMETER, rel=0.05)
    assert tuple(cells.table["class"]) == ("WBC",) * 6 + ("RBC",) * 2  # untouched
    for name, estimate in after.estimates.items():
        assert estimate.low <= estimate.count <= estimate.high, name
    assert after.estimates["RBC"] == cells.estimates["RBC"]
    assert after.estimates["total"] == cells.estimates["total"]


def test_regions_have_counts_of_the_new_classes(trained: CellClassifier) -> None:
    image, cells = scene()
    boxes = [Region("top", shapely.box(0, 0, 180, 50)), Region("rest", shapely.box(0, 50, 180, 180))]
    cells = count_regions(cells, make_regions(boxes, (180, 180), "drawn"))
    after = trained.classify_cells(cells, image, classes=["WBC"])
    top, rest = after.region_estimates
    assert {name: round(e.count) for name, e in top.items() if e.count} == {"granular": 1, "round": 1, "total": 2}
    assert {name: round(e.count) for name, e in rest.items() if e.count} == {
        "RBC": 2,
        "granular": 1,
        "round": 3,
        "total": 6,
    }
    assert all(e.low <= e.count <= e.high for found in (top, rest) for e in found.values())
    assert regions_table(after)["round"].tolist() == [1, 3]


def test_the_size_decides_the_scale(trained: CellClassifier) -> None:
    """Told that the cells are larger than they are, the classifier sees small ones."""
    image, cells = scene()
    after = trained.classify_cells(cells, image, classes=["WBC"], diameter=2.2 * DIAMETER)
    assert (after.table["class"][:6] == "small").sum() >= 4


def test_the_classifier_knows_what_it_refines(trained: CellClassifier) -> None:
    image, cells = scene()
    other = CellClassifier()
    other.config_, other.scorer_ = trained.config.model_copy(update={"refines": ("WBC",)}), trained.scorer_
    assert other.classify_cells(cells, image).info["classified"] == ["WBC"]
    assert trained.classify_cells(cells, image).info["classified"] == ["RBC", "WBC"]
    with pytest.raises(InputError, match="'Platelets'; expected one of RBC, WBC"):
        trained.classify_cells(cells, image, classes=["Platelets"])


def test_an_image_without_cells(trained: CellClassifier) -> None:
    image, cells = scene()
    cells.table = cells.table.iloc[:0]
    cells.estimates = {"RBC": CountEstimate(0, 0, 1), "WBC": CountEstimate(0, 0, 2), "total": CountEstimate(0, 0, 2)}
    after = trained.classify_cells(cells, image, classes=["WBC"])
    assert len(after) == 0
    assert set(after.counts().values()) == {0}
    assert after.estimates["round"].high >= 2


def test_another_image_is_refused(trained: CellClassifier) -> None:
    image, cells = scene()
    with pytest.raises(InputError, match="the size of the image of the cells"):
        trained.classify_cells(cells, image[:, :100])
    with pytest.raises(InputError, match="uint16 pixels"):
        trained.classify_cells(cells, image.astype(np.uint16))


def test_the_interval_of_equal_draws_is_binomial() -> None:
    low, high = draws_interval(np.full(30, 0.3))
    assert (low, high) == (binom.ppf(0.05, 30, 0.3), binom.ppf(0.95, 30, 0.3))
    assert binom.cdf(high, 30, 0.3) - binom.cdf(low - 1, 30, 0.3) >= 0.9
    assert draws_interval(np.array([1.0, 1.0, 0.0])) == (2, 2)
    assert draws_interval(np.zeros(0)) == (0, 0)


def test_count_with_a_classifier(trained: CellClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image, cells = scene()
    Image.fromarray(image.transpose(1, 2, 0)).save(tmp_path / "scene.png")
    cells.classes = ("RBC", "WBC", "Platelets")
    cells.estimates["Platelets"] = CountEstimate(0, 0, 0)
    monkeypatch.setattr(TrainedCounter, "predict", lambda *_a, **_k: cells)
    model, out = trained.save(tmp_path / "kinds.safetensors"), tmp_path / "out"

    def run(*options: object) -> Any:
        arguments = ["count", tmp_path / "scene.png", "--model", "blood-smear", "--out", out, *options]
        return CliRunner().invoke(app, [str(a) for a in arguments])

    result = run("--classifier", model, "--classify", "WBC", "--json")
    assert result.exit_code == 0, result.stderr
    row = json.loads(result.stdout)["images"][0]
    assert (row["granular"], row["round"], row["RBC"], row["unknown"]) == (2, 4, 2, 0)
    assert row["round_low"] <= 4 <= row["round_high"]
    objects = pd.read_csv(out / "objects.csv")
    assert tuple(objects["class"][:6]) == TRUE
    record = json.loads((out / "run.json").read_text())
    assert (record["classifier"], record["classify"]) == ("kinds", ["WBC"])
    assert len(record["classifier_sha256"]) == 16
    again = run("--classifier", model, "--classify", "RBC")
    assert again.exit_code == 2
    assert "classify: ['WBC'] there" in again.stderr
    assert run("--classify", "WBC", "--overwrite").exit_code == 2
