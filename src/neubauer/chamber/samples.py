"""Which photographs show the same sample, from a table; and what all photographs of a sample say together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neubauer.cells.read.text import read_rows
from neubauer.chamber.concentration import advice, concentration, number, viability
from neubauer.chamber.rulings import Ruling
from neubauer.errors import InputError

ALL = "all"
"""The name of the sample where no table says otherwise."""
EXPECTED = "a CSV table with the columns image and sample, and optionally dilution"


@dataclass(frozen=True)
class Sample:
    """What a photograph shows.

    Attributes
    ----------
    name : of the sample.
    dilution : volume after dilution to that before.
    """

    name: str
    dilution: float


def read_samples(path: Path, dilution: float) -> dict[str, Sample]:
    """The sample of each image, by the name of its file without folders.

    Raises
    ------
    InputError : the table cannot be read, lacks a column, a value, or is of two minds about an image or a dilution.
    """
    columns, rows = read_rows(path, EXPECTED)
    if not {"image", "sample"} <= set(columns):
        raise InputError(path, f"the columns {', '.join(columns) or '(none)'}", EXPECTED)
    found: dict[str, Sample] = {}
    dilutions: dict[str, float] = {}
    for line, row in enumerate(rows, 2):
        image, name = (str(row[key] or "").strip() for key in ("image", "sample"))
        if not image and not name:
            continue
        if not image or not name:
            raise InputError(path, f"line {line} without {'a sample' if image else 'an image'}", EXPECTED)
        sample = Sample(name, _dilution(str(row.get("dilution") or "").strip(), dilution, f"{path}, line {line}"))
        if dilutions.setdefault(name, sample.dilution) != sample.dilution:
            raise InputError(path, f"two dilutions of the sample {name!r}", "one, as its photographs are pooled")
        if found.setdefault(Path(image).name, sample) != sample:
            raise InputError(path, f"two samples for {Path(image).name}", "one")
    if not found:
        raise InputError(path, "no image", EXPECTED)
    return found


def _dilution(text: str, usual: float, where: str) -> float:
    if not text:
        return usual
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not (np.isfinite(value) and value >= 1):
        raise InputError(where, f"the dilution {text!r}", "a number of at least 1, such as 2 for equal parts")
    return value


def pool(
    rows: Sequence[Mapping[str, Any]], ruling: Ruling, dilution: float, depth_um: float | None, classes: Sequence[str]
) -> dict[str, Any]:
    """What some photographs say together.

    Parameters
    ----------
    rows : of each photograph: `squares` (number), the number of cells of each class and in all (`cells`), `error` (see
        `concentration`), `together` (for each counted cell, how many touch).
    ruling, dilution, depth_um : of the chamber, see `concentration`.
    classes : `live` and `dead`, or `cell`.

    Returns
    -------
    Values as in JSON: numbers, cells in a millilitre with interval, viability, advice.
    """
    squares = sum(row["squares"] for row in rows)
    cells = sum(row["cells"] for row in rows)
    error = float(np.average([row["error"] for row in rows], weights=[row["cells"] + 1 for row in rows]))
    together = np.concatenate([np.asarray(row["together"], int) for row in rows])
    per_square = number(cells, error)
    found: dict[str, Any] = {
        "photographs": len(rows),
        "squares": squares,
        "cells": cells,
        "per_square": round(cells / squares, 2),
        "per_square_low": round(per_square.low / squares, 2),
        "per_square_high": round(per_square.high / squares, 2),
    }
    counts = {name: sum(row[name] for row in rows) for name in classes if name != "cell"}
    for name, n in {"cells": cells, **counts}.items():
        value = concentration(n, squares, error, ruling, dilution, depth_um)
        ends = {"": value.value, "_low": value.low, "_high": value.high}
        found |= ({} if name == "cells" else {name: n}) | {
            f"{name}_per_ml{end}": _rounded(v) for end, v in ends.items()
        }
    if counts:
        share = viability(counts["live"], counts["dead"])
        values = (None, None, None) if share is None else (share.value, share.low, share.high)
        for end, v in zip(("", "_low", "_high"), values, strict=True):
            found[f"viability{end}"] = None if v is None else round(v, 4)
    found["in_aggregates"] = int((together >= 3).sum())
    found["dilution"] = dilution
    found["advice"] = "; ".join(advice(cells, squares, together, ruling))
    return found


def _rounded(value: float) -> float:
    """To four digits: more than any count is good for."""
    return float(f"{value:.4g}")
