"""`neubauer train inpainter`, `inpaint`, `evaluate inpainter`, and `count --repaired`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import Run, one_line, read_csv
from scenes import discs

from neubauer.images.read import open_image
from neubauer.images.write import write_image

SMALL = ["crop=32", "widths=[8, 8]", "depths=[1, 1]", "critic_widths=[8, 8]", "training.batch_size=4"]


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """Three scenes: with a dropped block over cells, with a hot pixel, and as they were."""
    for name in ("whole", "damaged", "masks"):
        (tmp_path / name).mkdir()
    for i in range(3):
        image = discs(12, seed=60 + i)[0]
        write_image(tmp_path / "whole" / f"{i}.tif", image)
        image = image.copy()
        if i == 0:
            image[30:70, 40:80] = 0
        if i == 1:
            image[100, 100] = 65535
        write_image(tmp_path / "damaged" / f"{i}.tif", image)
        mask = np.zeros((1, 128, 128), np.uint8)
        if i == 0:
            mask[:, 30:70, 40:80] = 255
        write_image(tmp_path / "masks" / f"{i}_holes.png", mask)
    return tmp_path


def test_train_inpaint_evaluate_count(run: Run, damaged: Path, model: Path) -> None:
    inpainter, out = damaged / "i.safetensors", damaged / "out"
    small = [x for s in SMALL for x in ("--set", s)]
    result = run("train", "inpainter", damaged / "whole", "--out", inpainter, "--steps", 4, *small)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.split() == [str(inpainter)]

    result = run("inpaint", damaged / "damaged", "--model", inpainter, "--out", out, "--json")
    assert result.exit_code == 0, result.stderr
    filled = {row["image"]: row["filled"] for row in json.loads(result.stdout)["images"]}
    assert filled["0"] == pytest.approx(1600 / 128**2, rel=0.1)
    assert 0 < filled["1"] < 0.001
    assert filled["2"] == 0
    assert "2: no holes; unchanged" in result.stderr
    assert (open_image(out / "2.tif").read() == open_image(damaged / "whole" / "2.tif").read()).all()
    assert (out / "0_found.png").exists()
    assert open_image(out / "0_uncertainty.tif").read()[0, 50, 60] > 0

    result = run("evaluate", "inpainter", inpainter, damaged / "whole", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout).keys() == {"biharmonic", "texture", "inpainter"}

    images = [out / f"{i}.tif" for i in range(3)]
    result = run("count", *images, "--model", model, "--out", damaged / "counted", "--repaired", out, "--json")
    assert result.exit_code == 0, result.stderr
    rows = {row["image"]: row for row in read_csv(damaged / "counted" / "counts.csv")}
    assert "touch repaired pixels" in rows["0"]["flag"]
    assert "repaired" not in rows["2"]["flag"]
    shares = [float(row["repaired"]) for row in read_csv(damaged / "counted" / "objects.csv") if row["image"] == "0"]
    assert 0 < sum(share > 0 for share in shares) < len(shares)


def test_masks_and_methods(run: Run, damaged: Path) -> None:
    command = ("inpaint", damaged / "damaged" / "0.tif", "--holes", damaged / "masks", "--method", "biharmonic")
    result = run(*command, "--out", damaged / "out")
    assert result.exit_code == 0, result.stderr
    made = open_image(damaged / "out" / "0.tif").read()[0, 30:70, 40:80]
    assert made.min() > 500
    assert "done already" in run(*command, "--out", damaged / "out").stderr
    mine = damaged / "mine"
    mine.mkdir()
    (mine / "0.tif").write_text("precious")
    result = run(*command, "--out", mine)
    assert result.exit_code == 2
    one_line(result.stderr, "0.tif", "--overwrite")
    assert (mine / "0.tif").read_text() == "precious"


def test_wrong_usage(run: Run, damaged: Path, model: Path) -> None:
    images, out = damaged / "damaged", damaged / "o"
    for arguments, parts in (
        (("inpaint", images, "--out", out), ("--model, --method", "neither")),
        (("inpaint", images, "--out", out, "--method", "magic"), ("magic", "biharmonic")),
        (("inpaint", images, "--out", out, "--model", model), (model, "'counter'", "'inpainter'")),
        (("train", "inpainter", damaged / "none", "--out", damaged / "i"), (damaged / "none",)),
    ):
        result = run(*arguments)
        assert result.exit_code == 2, arguments
        one_line(result.stderr, "error", *parts)
    write_image(damaged / "masks" / "1_holes.png", np.ones((1, 5, 5), np.uint8))
    result = run("inpaint", images, "--holes", damaged / "masks", "--method", "texture", "--out", out)
    assert result.exit_code == 1
    one_line(result.stderr, "failed", "1_holes.png")
    assert (out / "0.tif").exists()
