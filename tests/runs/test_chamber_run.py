"""Counting chambers as a run: tables, pooled samples, failures, what was stopped goes on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from chamber_photographs import PLAIN, shot
from PIL import Image

import neubauer as nb
from neubauer.chamber.borders import squares_of
from neubauer.chamber.rulings import ruling_of
from neubauer.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs of a chamber, and a slide without ruling."""
    found = tmp_path_factory.mktemp("photographs")
    for name, seed, lines in (("a", 11, True), ("b", 12, True), ("plain", 13, False)):
        Image.fromarray(shot(seed, cells=60, lines=lines).pixels).save(found / f"{name}.png")
    return found


@pytest.fixture(scope="module")
def results(folder: Path) -> Path:
    out = folder.parent / "results"
    with pytest.warns(UserWarning, match=r"plain\.png: found no ruling"):
        nb.count_chambers(folder, out, dilution=2)
    return out


def true_count(seed: int) -> int:
    scene = shot(seed, cells=60).scene
    reach = scene.diameters[:, None] / 2000
    first = [s for s in ruling_of("neubauer-improved").squares() if (s.row, s.column) == (0, 0)]
    return int((squares_of(np.hstack([scene.centres - reach, scene.centres + reach]), first) == 0).sum())


def test_counts_are_near_the_truth(results: Path) -> None:
    table = pd.read_csv(results / "photographs.csv", index_col="image")
    for name, seed in (("a", 11), ("b", 12)):
        true = true_count(seed)
        assert table.loc[name, "squares"] == 1
        assert abs(table.loc[name, "cells"] - true) <= max(2, 0.15 * true)
        assert table.loc[name, "cells_per_ml_low"] < true * 2e4 < table.loc[name, "cells_per_ml_high"]


def test_photographs_of_one_sample_are_pooled(results: Path) -> None:
    photographs, samples = (pd.read_csv(results / f"{name}.csv") for name in ("photographs", "samples"))
    assert len(samples) == 1
    row = samples.iloc[0]
    assert row["cells"] == photographs["cells"].sum()
    assert row["cells_per_ml"] == pytest.approx(row["cells"] / row["squares"] * 2e4, rel=1e-3)
    squares = pd.read_csv(results / "squares.csv", dtype=str)
    assert squares["square"].tolist() == ["1-1", "1-1"]
    cells = pd.read_csv(results / "cells.csv")
    assert cells["counted"].sum() == row["cells"]
    assert set(cells.loc[~cells["counted"], "square"]) <= {"border", "outside", "faint"}


def test_what_failed_is_listed_and_pictures_are_drawn(results: Path) -> None:
    failed = pd.read_csv(results / "failed.csv")
    assert failed["image"].tolist() == ["plain"]
    assert "the lines of a Neubauer improved chamber" in failed["reason"][0]
    assert sorted(file.name for file in (results / "overlays").iterdir()) == ["a.png", "b.png"]


def test_a_finished_run_is_not_done_again(folder: Path, results: Path) -> None:
    picture = results / "overlays" / "a.png"
    before = picture.stat().st_mtime_ns
    with pytest.warns(UserWarning, match="2 of 2 images are done already"):
        nb.count_chambers([folder / "a.png", folder / "b.png"], results, dilution=2)
    assert picture.stat().st_mtime_ns == before
    with pytest.raises(InputError, match="dilution"):
        nb.count_chambers([folder / "a.png"], results, dilution=3)


def test_dead_cells_are_blue(tmp_path: Path) -> None:
    from dataclasses import replace

    style = replace(PLAIN, dead=0.5)
    photo = shot(21, cells=80, style=style)
    Image.fromarray(photo.pixels).save(tmp_path / "stained.png")
    table = nb.count_chambers(tmp_path / "stained.png", trypan_blue=True)
    inside = ((photo.scene.centres > 0) & (photo.scene.centres < 1)).all(1)
    assert table["viability_low"][0] < 1 - photo.scene.dead[inside].mean() < table["viability_high"][0]
    Image.fromarray(photo.pixels[..., 0]).save(tmp_path / "grey.png")
    with pytest.warns(UserWarning, match=r"grey\.png: found 1 channel"):
        assert nb.count_chambers(tmp_path / "grey.png", trypan_blue=True).empty
