"""Which counted cells lie on repaired pixels?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neubauer.cells.table import Cells
from neubauer.errors import InputError
from neubauer.images.holes import read_holes


def mark_repaired(cells: Cells, holes: np.ndarray) -> Cells:
    """Add the column `repaired` to the table of cells, the share of their pixels that was filled in; flag the image.

    Parameters
    ----------
    cells : with labels.
    holes : (Y, X) bool.

    Returns
    -------
    The same cells, changed in place.
    """
    assert cells.labels is not None
    n = int(cells.labels.max(initial=0))
    area = np.bincount(cells.labels.ravel(), minlength=n + 1)
    touched = np.bincount(cells.labels[holes], minlength=n + 1)
    share = (touched / np.maximum(area, 1))[cells.table["label"].to_numpy(int)]
    cells.table["repaired"] = share.round(3)
    if (share > 0).any():
        cells.flags.append(f"{int((share > 0).sum())} of {len(cells)} cells touch repaired pixels")
    return cells


def holes_of(folder: Path, name: str, shape: tuple[int, int]) -> np.ndarray:
    """The hole mask that `neubauer inpaint` wrote for an image of this name.

    Raises
    ------
    InputError : there is none, or it has another size.
    """
    file = folder / f"{name}_holes.png"
    if not file.exists():
        raise InputError(file, "no such file", "the hole mask of the image, as `neubauer inpaint` writes it")
    return read_holes(file, shape)
