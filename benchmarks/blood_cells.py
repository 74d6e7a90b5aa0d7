"""The blood cells of `pbc` and `wbc-rapid`, and how they are split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split

from neubauer.cells.read.class_folders import from_class_folders
from neubauer.images.read import open_image

DIAMETER = 40.0
"""Of a white cell in `pbc`, pixels. Its pale cytoplasm is missed by automatic outlines except in eosinophils, the
cytoplasm of which stains; theirs is taken."""


@dataclass(frozen=True)
class Part:
    """Files and the class of each."""

    files: list[Path]
    names: list[str]


def split_pbc(data: Path, seed: int) -> tuple[Part, Part]:
    """80 % to train and calibrate with (the classifier keeps an eighth of it for calibration: 70 / 10 / 20 as in
    MedMNIST), 20 % to test, drawn at random with equal shares of every class. Patients are not identified."""
    found = from_class_folders(data / "pbc")
    every = np.arange(len(found.files))
    rest, test = train_test_split(every, test_size=0.2, random_state=seed, stratify=found.names)
    first, second = ([[f[i] for i in part] for f in (found.files, found.names)] for part in (rest, test))
    return Part(*first), Part(*second)


def rapid(data: Path) -> Part:
    """White cells in another stain, under another microscope."""
    found = from_class_folders(data / "wbc-rapid/images")
    return Part(list(found.files), list(found.names))


def masked_diameter(data: Path) -> float:
    """Median diameter (pixels) of the cells of `wbc-rapid`, from their masks."""
    masks = sorted((data / "wbc-rapid/masks").glob("*/*.png"))
    return float(np.median([2 * np.sqrt((open_image(m).read() > 0).sum() / np.pi) for m in masks]))
