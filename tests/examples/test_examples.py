"""Every example runs, draws its picture, and shows what it says it shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def printed(name: str, out: Path) -> str:
    """What an example prints; its picture has to be there, and hold something."""
    script = EXAMPLES / f"{name}.py"
    result = subprocess.run(
        [sys.executable, script, "--out", out], cwd=out, capture_output=True, text=True, check=False, timeout=600
    )
    assert result.returncode == 0, result.stderr
    picture = Image.open(out / f"{name}.png").convert("L")
    assert min(picture.size) > 250
    assert picture.getextrema() == (0, 255)
    return result.stdout


def numbers(text: str, pattern: str) -> list[float]:
    found = re.search(pattern, text)
    assert found, text
    return [float(n) for n in found.groups()]


def test_all_examples_are_tested() -> None:
    tested = {"count_a_folder", "train_from_points", "label_free", "ten_labels_a_class"}
    assert {file.stem for file in EXAMPLES.glob("*.py")} == tested
    assert all(f"({name}.py)" in (EXAMPLES / "README.md").read_text() for name in tested)


def test_count_a_folder(tmp_path: Path) -> None:
    text = printed("count_a_folder", tmp_path)
    assert 250 < numbers(text, r"together: (\d+)")[0] < 450
    assert "field-9" in text


def test_train_from_points(tmp_path: Path) -> None:
    error, guess = numbers(printed("train_from_points", tmp_path), r"mean error: ([\d.]+) cells.*images: ([\d.]+)")
    assert error < 0.3 * guess


def test_label_free(tmp_path: Path) -> None:
    (share,) = numbers(printed("label_free", tmp_path), r"mean error: .* cells, (\d+)%")
    assert share < 35


def test_ten_labels_a_class(tmp_path: Path) -> None:
    text = printed("ten_labels_a_class", tmp_path)
    (alone,), (both,) = (numbers(text, rf"{recipe}: ([\d.]+)%") for recipe in ("names alone", "fixmatch"))
    assert both > alone > 75
