"""`neubauer models` and the entry point."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import Run, one_line

from neubauer import __version__
from neubauer.models.estimators.cell_classifier import CellClassifier
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.shared import bundled as registry


def test_bundled_models_have_cards_and_are_small(run: Run) -> None:
    result = run("models", "--json")
    assert result.exit_code == 0, result.stderr
    listed = json.loads(result.stdout)
    assert [m["name"] for m in listed] == sorted(p.stem for p in registry.WEIGHTS.glob("*.safetensors"))
    for m in listed:
        path = Path(m["path"])
        assert path.stat().st_size <= 4_000_000  # a counter, and the network that sees sizes
        assert m["card"].startswith(f"# {m['name']}\n")
        assert "Reproduce" in m["card"]
        if m["kind"] == "classifier":
            classifier = CellClassifier.load(m["name"])
            assert list(classifier.config.classes) == m["config"]["classes"]
            assert classifier.config.training["validation_images"]
            continue
        assert m["kind"] == "counter"
        config = CellCounter.load(m["name"]).config
        assert list(config.classes) == m["config"]["classes"]
        assert config.calibration.images > 0


def test_lists_and_shows_cards(run: Run, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model.with_suffix(".md").write_text("# discs\n\nBright discs on noise.\n")
    monkeypatch.setattr(registry, "WEIGHTS", model.parent)
    result = run("models")
    assert result.exit_code == 0
    assert "discs" in result.stdout
    assert "cell" in result.stdout
    result = run("models", "discs")
    assert "Bright discs on noise." in result.stdout
    result = run("models", "squares")
    assert result.exit_code == 2
    one_line(result.stderr, "'squares'", "discs")


def test_version_and_help(run: Run) -> None:
    assert run("--version").stdout.strip() == __version__
    text = run("--help").stdout
    assert all(verb in text for verb in ("count", "train", "evaluate", "models", "demo"))


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys, neubauer.cli.main;"
        "print([m for m in ('torch', 'numpy', 'pandas', 'skimage', 'scipy') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
