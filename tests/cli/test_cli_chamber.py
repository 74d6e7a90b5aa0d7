"""`neubauer chamber`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from chamber_photographs import shot
from PIL import Image
from typer.testing import CliRunner

from neubauer.cli.main import app

RUN = CliRunner()


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chambers")
    Image.fromarray(shot(31, cells=50).pixels).save(folder / "one.png")
    Image.fromarray(shot(32, cells=50, lines=False).pixels).save(folder / "none.png")
    (folder / "samples.csv").write_text("image,sample,dilution\none.png,blood,10\n", encoding="utf-8")
    return folder


def test_samples_from_a_table_and_a_failure(photos: Path, tmp_path: Path) -> None:
    options = ["--samples", str(photos / "samples.csv"), "--no-overlays", "--json"]
    result = RUN.invoke(
        app, ["chamber", str(photos / "one.png"), str(photos / "none.png"), "--out", str(tmp_path / "out"), *options]
    )
    assert result.exit_code == 1
    found = json.loads(result.stdout[result.stdout.index("{") :])
    (sample,) = found["samples"]
    assert (sample["sample"], sample["dilution"]) == ("blood", 10)
    assert sample["cells_per_ml"] == pytest.approx(sample["cells"] / sample["squares"] * 1e5, rel=1e-3)
    assert "20 to 50" in sample["advice"] or sample["cells"] >= 20
    assert "no ruling" in next(iter(found["failed"].values()))
    assert not (tmp_path / "out" / "overlays").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--chamber", "neubaur"], "neubauer-improved, fuchs-rosenthal"),
        (["--dilution", "0.5"], "at least 1"),
        (["--depth", "-3"], "micrometres"),
    ],
)
def test_bad_options_are_told_before_anything_is_done(
    photos: Path, tmp_path: Path, options: list[str], said: str
) -> None:
    result = RUN.invoke(app, ["chamber", str(photos / "one.png"), "--out", str(tmp_path / "out"), *options])
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "out" / "samples.csv").exists()
