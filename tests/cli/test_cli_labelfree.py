"""`neubauer train counter` without annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scenes import discs
from typer.testing import CliRunner

from neubauer.cli.labelfree import parse_kinds
from neubauer.cli.main import app
from neubauer.errors import InputError
from neubauer.images.write import write_image, write_labels
from neubauer.models.counter.prepare import cell_diameters
from neubauer.models.estimators.cell_counter import CellCounter

SMALL = [
    *("--steps", "2", "--batch", "2", "--crop", "48", "--set", "warm_steps=2", "--set", "twin_steps=0"),
    *("--set", "renderings=4", "--set", "side=64", "--set", "painter.steps=0", "--set", "rounds=1"),
]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for i in range(4):
        image, annotation = discs(6 + i, size=96, seed=i)
        write_image(tmp_path / "images" / f"{i}.tif", image)
        if i < 2:
            assert annotation.labels is not None
            write_labels(tmp_path / "masks" / f"{i}_masks.tif", annotation.labels)
    return tmp_path / "images"


def call(*arguments: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["train", "counter", *[str(a) for a in arguments]])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def test_trains_without_annotations(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "new" / "c.safetensors"
    code, printed, said = call(
        images, "--diameter", 13, "--background", "dark", "--classes", "disc", "--out", out, *SMALL
    )
    assert code == 0, said
    assert printed.split() == [str(out)]
    assert CellCounter.load(out).config.classes == ("disc",)
    assert out.with_suffix(".png").exists()
    assert "calibrated on simulated images" in said
    assert "cycle_f1" in said


def test_measures_the_diameter_where_only_the_background_is_known(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.safetensors"
    code, _, said = call(images, "--background", "dark", "--out", out, *SMALL)
    assert code == 0, said
    assert "no diameter is given" in said
    measured = CellCounter.load(out).config.diameter
    given = float(np.median(np.concatenate([cell_diameters(discs(6 + i, size=96, seed=i)[1]) for i in range(4)])))
    assert measured == pytest.approx(given, rel=0.25)


def test_learns_from_the_rest_too(images: Path, tmp_path: Path) -> None:
    out = tmp_path / "c.safetensors"
    code, _, said = call(images, "--masks", tmp_path / "masks", "--use-rest", "--out", out, *SMALL)
    assert code == 0, said
    assert CellCounter.load(out).config.training["annotated_images"] == 2


def test_wrong_usage(images: Path, tmp_path: Path) -> None:
    out, masks = tmp_path / "c.safetensors", tmp_path / "masks"
    for arguments, part in (
        ((images, "--out", out), "diameter"),
        ((images, "--diameter", 13, "--background", "grey", "--out", out), "background"),
        ((images, "--diameter", 13, "--recipe", "nuclei", "--out", out), "nuclei-labelfree"),
        ((images, "--diameter", 13, "--classes", "a,b", "--out", out), "NAME=DIAMETER"),
        ((images, "--diameter", 13, "--classes", "a", "--recipe", "nuclei-labelfree", "--out", out), "one of them"),
        ((images, "--diameter", 13, "--set", "painter.stepps=3", "--out", out), "expected steps?"),
        ((images, "--masks", masks, "--recipe", "nuclei-labelfree", "--out", out), "--use-rest"),
    ):
        code, _, said = call(*arguments)
        assert code == 2, arguments
        assert part in said.replace("'", ""), said
        assert "Traceback" not in said
    assert not out.exists()


def test_kinds_from_a_few_words() -> None:
    assert parse_kinds("RBC=24, WBC = 43.5", None) == [
        {"name": "RBC", "diameter": 24},
        {"name": "WBC", "diameter": 43.5},
    ]
    assert parse_kinds("nucleus", 20) == [{"name": "nucleus", "diameter": 20}]
    for text in ("a=0", "a=x", "a", "=3"):
        with pytest.raises(InputError, match="NAME=DIAMETER"):
            parse_kinds(text, None)
