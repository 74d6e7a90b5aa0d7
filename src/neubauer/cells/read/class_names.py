"""Class names of annotations as indices in the order of the data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neubauer.errors import InputError


def index_classes(path: Path, names: list[str], classes: tuple[str, ...] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Turn the class names of one file into indices.

    Parameters
    ----------
    path : the file that the names are from.
    names : the class of each cell, "" where it is not known.
    classes : the classes of the data set, or None for those in `names` in alphabetical order, or `("cell",)`.

    Returns
    -------
    (N,) int64 indices, -1 where the class is not known (of a single class every cell is one), and the classes.

    Raises
    ------
    InputError : a name is not one of `classes`.
    """
    classes = tuple(sorted(set(names) - {""})) or ("cell",) if classes is None else tuple(classes)
    index = {name: i for i, name in enumerate(classes)} | {"": 0 if len(classes) == 1 else -1}
    unknown = sorted(set(names) - set(index))
    if unknown:
        raise InputError(path, f"the class {', '.join(map(repr, unknown))}", f"one of {', '.join(classes)}")
    return np.array([index[name] for name in names], np.int64), classes
