"""What a person has marked in one image: masks, boxes or points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Kind = Literal["masks", "boxes", "points"]


@dataclass(frozen=True)
class Annotation:
    """The marks of one image, in its pixels (origin at the top left, `y` before `x`).

    Attributes
    ----------
    kind : how the cells are marked.
    shape : (Y, X) of the image.
    classes : names of the classes, in the fixed order that `class_index` refers to. `("cell",)` where none are given.
    class_index : (N,) int64, the class of each cell; -1 where it is not known.
    centres : (N, 2) float64, `y, x` of each cell (for masks the centroid, for boxes the middle). The centre of the top
        left pixel is (0, 0), as scikit-image has it.
    boxes : (N, 4) float64 `y0, x0, y1, x1` (half-open: that pixel covers 0 ... 1) for boxes, else None.
    labels : (Y, X) int32 for masks, else None; cell `i` of the arrays above has label `i + 1`.
    ignore : (Y, X) bool where nothing is known, or None: everywhere else what is not marked is background.
    """

    kind: Kind
    shape: tuple[int, int]
    classes: tuple[str, ...]
    class_index: np.ndarray
    centres: np.ndarray
    boxes: np.ndarray | None = None
    labels: np.ndarray | None = None
    ignore: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.class_index)

    @property
    def classes_known(self) -> bool:
        """Whether every cell has a class."""
        return bool((self.class_index >= 0).all())

    def counts(self) -> dict[str, int]:
        """Number of cells of each class (cells of unknown class are in none)."""
        n = np.bincount(self.class_index[self.class_index >= 0], minlength=len(self.classes))
        return {name: int(k) for name, k in zip(self.classes, n, strict=True)}
