"""Which photograph shows which sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from neubauer.chamber.rulings import ruling_of
from neubauer.chamber.samples import Sample, pool, read_samples
from neubauer.errors import InputError


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "samples.csv"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_table_groups_photographs(tmp_path: Path) -> None:
    file = write(tmp_path, "image,sample,dilution\nfolder/a.jpg,one,2\nb.jpg,one,2\nc.jpg,two,\n")
    found = read_samples(file, 5.0)
    assert found == {"a.jpg": Sample("one", 2.0), "b.jpg": Sample("one", 2.0), "c.jpg": Sample("two", 5.0)}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("image,name\na.jpg,one\n", "the columns image, name"),
        ("image,sample\n", "no image"),
        ("image,sample\na.jpg,\n", "line 2 without a sample"),
        ("image,sample,dilution\na.jpg,one,half\n", "the dilution 'half'"),
        ("image,sample,dilution\na.jpg,one,2\nb.jpg,one,3\n", "two dilutions of the sample 'one'"),
        ("image,sample\na.jpg,one\na.jpg,two\n", "two samples for a.jpg"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(InputError, match=what) as error:
        read_samples(write(tmp_path, text), 1.0)
    assert "samples.csv" in str(error.value)


def test_photographs_of_a_sample_are_pooled() -> None:
    rows = [
        {"squares": 2, "cells": 70, "live": 60, "dead": 10, "error": 0.5, "together": [1] * 70},
        {"squares": 1, "cells": 30, "live": 30, "dead": 0, "error": 0.5, "together": [1] * 30},
    ]
    found = pool(rows, ruling_of("neubauer-improved"), 2.0, None, ("live", "dead"))
    assert (found["squares"], found["cells"], found["live"], found["dead"]) == (3, 100, 90, 10)
    assert found["cells_per_ml"] == pytest.approx(100 / 3 * 2e4, rel=1e-3)
    assert found["cells_per_ml_low"] < found["cells_per_ml"] < found["cells_per_ml_high"]
    assert found["viability"] == 0.9
    one = pool(rows[:1], ruling_of("neubauer-improved"), 2.0, None, ("live", "dead"))
    width = [(f["per_square_high"] - f["per_square_low"]) / f["per_square"] for f in (one, found)]
    assert width[1] < width[0]
