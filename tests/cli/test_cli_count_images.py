"""`neubauer count` sees in a file what a person sees in it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Run, one_line, read_csv
from PIL import Image
from scenes import discs
from tifffile import imwrite

from neubauer.cells.draw.missing import LIGHT


@pytest.fixture
def scene() -> np.ndarray:
    return discs(14, seed=101)[0]


@pytest.fixture
def count(run: Run, model: Path, tmp_path: Path) -> Any:
    """The row of the table of one image."""

    def call(image: Path, *options: object) -> dict[str, str]:
        result = run("count", image, "--model", model, "--out", tmp_path / "out", "--overwrite", *options)
        assert result.exit_code == 0, result.stderr
        (row,) = read_csv(tmp_path / "out" / "counts.csv")
        return row

    return call


def test_white_is_zero(count: Any, scene: np.ndarray, tmp_path: Path) -> None:
    imwrite(tmp_path / "a.tif", scene)
    plain = count(tmp_path / "a.tif")
    imwrite(tmp_path / "a.tif", 65_535 - scene, photometric="miniswhite", tile=(32, 32), compression="zlib")
    assert count(tmp_path / "a.tif") == plain
    imwrite(tmp_path / "a.tif", 65_535 - np.stack([scene // 2, scene]), photometric="miniswhite")
    assert count(tmp_path / "a.tif", "--project", "max") == plain


def test_channels_behind_y_and_x(run: Run, count: Any, model: Path, scene: np.ndarray, tmp_path: Path) -> None:
    imwrite(tmp_path / "a.tif", scene)
    plain = count(tmp_path / "a.tif")
    other = discs(3, seed=9)[0]
    imwrite(tmp_path / "a.tif", np.dstack([other, scene]), photometric="minisblack")
    assert count(tmp_path / "a.tif", "--channel", 1) == plain
    assert int(count(tmp_path / "a.tif", "--channel", 0)["total"]) < int(plain["total"]) / 2
    result = run("count", tmp_path / "a.tif", "--model", model, "--out", tmp_path / "none")
    one_line(result.stderr, "2 channels", "--channel")


def test_missing_pixels_are_told_and_shown(count: Any, scene: np.ndarray, tmp_path: Path) -> None:
    imwrite(tmp_path / "a.tif", scene)
    plain = count(tmp_path / "a.tif")
    broken = scene.astype(np.float32)
    broken[3, 3] = np.nan
    imwrite(tmp_path / "a.tif", broken)
    row = count(tmp_path / "a.tif")
    assert row["total"] == plain["total"]
    assert row["flag"].startswith("1 pixel of the image is missing (not a number)")
    picture = np.asarray(Image.open(tmp_path / "out" / "overlays" / "a_overlay.png"))
    assert (picture == LIGHT).all(-1).any()
    broken[:, :32] = np.inf
    imwrite(tmp_path / "a.tif", broken)
    row = count(tmp_path / "a.tif")
    assert row["flag"].startswith("25.0 % of the image is missing (not a number): nothing is counted there")
    cells = read_csv(tmp_path / "out" / "objects.csv")
    assert 0 < len(cells) < int(plain["total"])
    assert min(float(cell["centroid-1"]) for cell in cells) > 30


def test_names_that_a_spreadsheet_would_run(run: Run, model: Path, scene: np.ndarray, tmp_path: Path) -> None:
    names = ["=1+1", "+a", "-2", "@x"]
    for name in names:
        imwrite(tmp_path / f"{name}.tif", scene)
    (tmp_path / "=bad.tif").write_text("no image")
    out = tmp_path / "out"
    result = run("count", tmp_path, "--model", model, "--out", out, "--no-masks", "--no-overlays")
    assert result.exit_code == 1
    for table in ("counts.csv", "objects.csv", "failed.csv"):
        with open(out / table, encoding="utf-8", newline="") as file:
            cells = [cell for row in csv.reader(file) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))], table
    assert {row["image"] for row in read_csv(out / "counts.csv")} == {f"'{name}" for name in names}
    assert "'=1+1" not in result.stdout  # shown as they are
    assert "=1+1" in result.stdout
    assert run("count", tmp_path, "--model", model, "--out", out, "--no-masks", "--no-overlays").exit_code == 1
