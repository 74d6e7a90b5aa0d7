"""`neubauer report`, and what `count` adds for it; tables for other programs."""

from __future__ import annotations

import json
from pathlib import Path

import h5py
import openpyxl
import pandas as pd
import pytest
from command_line import Run, read_csv

from neubauer.cells.write import extras


def test_count_writes_a_report_and_further_tables(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    (images / "=bad.tif").write_text("no image")
    out = tmp_path / "out"
    command = ("count", images, "--model", model, "--out", out)
    result = run(*command, "--excel", "--parquet", "--anndata", "--report", "pdf")
    assert result.exit_code == 1
    assert f"report: {out / 'report.html'}" in result.stdout
    assert (out / "report.pdf").read_bytes().startswith(b"%PDF")
    assert {row["image"]: row["file"] for row in read_csv(out / "counts.csv")} == {
        name: f"{name}.tif" for name in ("a", "b", "empty")
    }
    assert [row["image"] for row in read_csv(out / "quality.csv")] == ["a", "b", "empty"]

    book = openpyxl.load_workbook(out / "results.xlsx")
    assert book.sheetnames == ["counts", "objects", "quality", "failed", "settings"]
    objects = read_csv(out / "objects.csv")
    assert book["objects"].max_row == len(objects) + 1
    assert [row[0] for row in book["failed"].iter_rows(values_only=True)] == ["image", "'=bad"]
    counts = [list(row) for row in book["counts"].iter_rows(2, values_only=True)]
    assert [row[2] for row in counts] == [int(row["cell"]) for row in read_csv(out / "counts.csv")]
    settings = dict(row[:2] for row in book["settings"].iter_rows(2, values_only=True))
    assert settings["model"] == "discs"
    assert settings["objects"] == len(objects)

    table = pd.read_parquet(out / "objects.parquet")
    assert table["label"].tolist() == [int(row["label"]) for row in objects]
    assert set(table["file"].astype(str)) == {"a.tif", "b.tif"}
    with h5py.File(out / "cells.h5ad") as file:
        assert file["X"].shape[0] == len(objects)

    (images / "=bad.tif").unlink()
    assert run(*command, "--no-report").exit_code == 0
    left = {file.name for file in out.iterdir()}
    assert not left & {"report.html", "report.pdf", "results.xlsx", "objects.parquet", "cells.h5ad"}, "of old tables"


def test_reports_of_a_run_are_those_of_one_that_was_not_stopped(
    run: Run, images: Path, model: Path, tmp_path: Path
) -> None:
    """But for the record of how it went, which says when."""
    one, two = tmp_path / "1" / "out", tmp_path / "2" / "out"
    assert run("count", images, "--model", model, "--out", one).exit_code == 0
    assert run("count", images / "b.tif", "--model", model, "--out", two).exit_code == 0
    assert run("count", images, "--model", model, "--out", two, "--workers", 2).exit_code == 0
    (two / "run.json").write_bytes((one / "run.json").read_bytes())
    for out in (one, two):
        assert run("report", out).stdout.split() == [str(out / "report.html")]
    assert (one / "report.html").read_bytes() == (two / "report.html").read_bytes()
    files = [{f.name: f.read_bytes() for f in (out / "parts").glob("*.webp")} for out in (one, two)]
    assert files[0] == files[1]
    assert len(files[0]) == 6


def test_no_report_keeps_nothing_for_one(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("count", images, "--model", model, "--out", out, "--no-report").exit_code == 0
    assert not (out / "report.html").exists()
    assert not (out / "quality.csv").exists()
    assert not list((out / "parts").glob("*.webp"))
    assert run("report", out, "--pdf").exit_code == 0


def test_what_cannot_be_is_said_before_anything_is_counted(
    run: Run, images: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    result = run("count", images, "--model", model, "--out", out, "--report", "docx")
    assert result.exit_code == 2
    assert "--report: found 'docx'; expected one of html, pdf" in result.stderr
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    for option, extra in (("--excel", "tables"), ("--parquet", "tables"), ("--anndata", "tables"), ("--pdf", "pdf")):
        wanted = ("--report", "pdf") if option == "--pdf" else (option,)
        result = run("count", images, "--model", model, "--out", out, *wanted)
        assert result.exit_code == 2
        assert f"neubauer[{extra}]" in result.stderr
    assert not out.exists()


def test_two_files_of_one_name_can_be_found(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    (images / "day 2").mkdir()
    (images / "day 2" / "a.tif").write_bytes((images / "b.tif").read_bytes())
    out = tmp_path / "out"
    assert run("count", images, "--recursive", "--model", model, "--out", out).exit_code == 0
    rows = {row["image"]: row["file"] for row in read_csv(out / "counts.csv")}
    assert rows == {"images_a": "a.tif", "b": "b.tif", "empty": "empty.tif", "day 2_a": "day 2/a.tif"}
    record = json.loads((out / "run.json").read_text())
    assert all(Path(entry["file"]).is_file() for entry in record["images"].values())
    assert "day 2/a.tif" in (out / "report.html").read_text()
