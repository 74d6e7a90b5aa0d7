"""A counter and images for the command line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from command_line import TRUE, Finished, Run
from scenes import discs
from typer.testing import CliRunner

from neubauer.cli.main import app
from neubauer.images.write import write_image
from neubauer.models.counter.fit import FitSettings
from neubauer.models.estimators.cell_counter import CellCounter


@pytest.fixture(scope="session")
def counter() -> CellCounter:
    """Trained for seconds on bright discs, one channel."""
    scenes = [discs(8 + 2 * (i % 4), seed=i) for i in range(12)]
    model = CellCounter(
        settings=FitSettings(steps=260, batch=4, crop=96), widths=(16, 24, 32), depths=(1, 1, 1), validation=0.25
    )
    return model.fit([i for i, _ in scenes], [a for _, a in scenes])


@pytest.fixture(scope="session")
def model(counter: CellCounter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return counter.save(tmp_path_factory.mktemp("model") / "discs.safetensors")


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A folder with two scenes and an image without cells."""
    folder = tmp_path / "images"
    folder.mkdir()
    for seed, (name, n) in enumerate(TRUE.items(), 100):
        image = discs(n, seed=seed)[0] if n else np.full((60, 80), 1000, np.uint16)
        write_image(folder / f"{name}.tif", image, pixel_size_um=(0.5, 0.5))
    return folder


@pytest.fixture
def run() -> Run:
    """Run `neubauer` with these arguments."""

    def call(*arguments: object) -> Finished:
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return Finished(result.exit_code, result.stdout, result.stderr)

    return call
