"""`neubauer count --samples` and `neubauer compare`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from command_line import Run, one_line, read_csv
from results_folder import nested, write_results


@pytest.fixture
def results(tmp_path: Path) -> Path:
    counts, of = nested(np.random.default_rng(3), {"wt": 50, "ko": 20}, 3, 2, 5, 4, 2)
    return write_results(tmp_path / "results", counts, of)


def test_samples_are_kept_with_a_run(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    table = tmp_path / "samples.csv"
    table.write_text("image,condition,sample,note\na.tif,wt,1,=1+1\nb.tif,ko,2,\nlater.tif,ko,3,\n")
    command = ("count", images, "--model", model, "--out", tmp_path / "o", "--no-overlays")
    result = run(*command, "--samples", table)
    assert result.exit_code == 0, result.stderr
    one_line(result.stderr, "1 image (later.tif) named that is not there")
    one_line(result.stderr, "1 image (empty) in no sample")
    record = json.loads((tmp_path / "o" / "run.json").read_text())
    assert record["images"]["a"]["sample"] == {"condition": "wt", "sample": "1", "note": "=1+1"}
    assert "sample" not in record["images"]["empty"]
    kept = read_csv(tmp_path / "o" / "samples.csv")
    assert [row["image"] for row in kept] == ["a", "b"]
    assert kept[0]["note"] == "'=1+1"
    columns = list(read_csv(tmp_path / "o" / "counts.csv")[0])
    assert "condition" not in columns

    shutil.copy(images / "a.tif", images / "later.tif")  # further images, another table, and none
    table.write_text("image,condition,sample\nlater.tif,ko,3\nb.tif,ko,9\n")
    assert run(*command, "--samples", table).exit_code == 0
    again = {row["image"]: row["sample"] for row in read_csv(tmp_path / "o" / "samples.csv")}
    assert again == {"a": "1", "b": "9", "later": "3"}
    assert run(*command).exit_code == 0
    assert {row["image"]: row["sample"] for row in read_csv(tmp_path / "o" / "samples.csv")} == again

    result = run("compare", tmp_path / "o", "--measure", "density")
    assert result.exit_code == 0, result.stderr
    assert [row["sample"] for row in read_csv(tmp_path / "o" / "compare" / "samples.csv")] == ["1", "9", "3"]


def test_bad_samples_stop_a_run_before_it_begins(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    result = run("count", images, "--model", model, "--out", tmp_path / "o", "--samples", "{condition}/{sample}_*.tif")
    assert result.exit_code == 2
    one_line(result.stderr, "error: --samples", "which fits no image")
    assert not (tmp_path / "o").exists()


def test_a_pattern_names_samples(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    command = ("count", images, "--model", model, "--out", tmp_path / "o", "--no-overlays", "--no-masks")
    assert run(*command, "--samples", "{folder}/{sample}.tif").exit_code == 0
    assert read_csv(tmp_path / "o" / "samples.csv")[1] == {"image": "b", "folder": "images", "sample": "b"}


def test_conditions_are_compared(run: Run, results: Path) -> None:
    result = run("compare", results, "--control", "wt")
    assert result.exit_code == 0, result.stderr
    assert "ko vs wt" in result.stdout
    assert str(results / "compare") in result.stdout
    (pair,) = read_csv(results / "compare" / "pairs.csv")
    assert pair["test"] == "Dunnett's test"
    assert float(pair["p_adjusted"]) < 0.05
    again = run("compare", results)
    assert again.exit_code == 2
    one_line(again.stderr, "conditions.csv", "--overwrite")
    as_json = run("compare", results, "--overwrite", "--json")
    assert json.loads(as_json.stdout)["pairs"][0]["condition"] == "ko"


def test_samples_can_be_given_afterwards(run: Run, results: Path, tmp_path: Path) -> None:
    (results / "samples.csv").unlink()
    result = run("compare", results)
    assert result.exit_code == 2
    one_line(result.stderr, "found no samples.csv", "--samples")
    result = run("compare", results, "--samples", "{condition}_{sample}_*.tif", "--sample", "condition,sample")
    assert result.exit_code == 0, result.stderr
    assert [row["samples"] for row in read_csv(results / "compare" / "conditions.csv")] == ["3", "3"]
    result = run("compare", results, "--by", "dose", "--samples", "{condition}_{sample}_*.tif", "--out", tmp_path / "x")
    one_line(result.stderr, "error: --by: found 'dose'", "condition, sample")
    assert not (tmp_path / "x").exists()


def test_one_replicate_is_said_in_words(run: Run, tmp_path: Path) -> None:
    counts, of = nested(np.random.default_rng(3), {"wt": 50, "ko": 20}, 1, 2, 5, 4, 2)
    result = run("compare", write_results(tmp_path / "one", counts, of))
    assert result.exit_code == 0
    one_line(result.stderr, "one replicate only in wt, ko: no interval between samples, and no p-value")
