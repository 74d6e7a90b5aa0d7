"""Count and classify cells in microscope images."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from neubauer.version import __version__

# name -> module; imported on first use, so that `import neubauer` stays fast
_LAZY = {
    "CellCounter": "neubauer.models.estimators.cell_counter",
    "CellClassifier": "neubauer.models.estimators.cell_classifier",
    "ImageGenerator": "neubauer.models.estimators.image_generator",
    "SequenceGenerator": "neubauer.models.estimators.sequence_generator",
    "Inpainter": "neubauer.models.estimators.inpainter",
    "StyleTranslator": "neubauer.models.estimators.style_translator",
    "Cells": "neubauer.cells.table",
    "Annotation": "neubauer.cells.annotation",
    "count_chambers": "neubauer.runs.chambers",
    "count_folder": "neubauer.runs.folder",
    "load": "neubauer.models.kinds",
    "open_image": "neubauer.images.read",
    "NeubauerError": "neubauer.errors",
    "InputError": "neubauer.errors",
}

if TYPE_CHECKING:
    from neubauer.cells.annotation import Annotation
    from neubauer.cells.table import Cells
    from neubauer.errors import InputError, NeubauerError
    from neubauer.images.read import open_image
    from neubauer.models.estimators.cell_classifier import CellClassifier
    from neubauer.models.estimators.cell_counter import CellCounter
    from neubauer.models.estimators.image_generator import ImageGenerator
    from neubauer.models.estimators.inpainter import Inpainter
    from neubauer.models.estimators.sequence_generator import SequenceGenerator
    from neubauer.models.estimators.style_translator import StyleTranslator
    from neubauer.models.kinds import load
    from neubauer.runs.chambers import count_chambers
    from neubauer.runs.folder import count_folder

__all__ = [
    "Annotation",
    "CellClassifier",
    "CellCounter",
    "Cells",
    "ImageGenerator",
    "Inpainter",
    "InputError",
    "NeubauerError",
    "SequenceGenerator",
    "StyleTranslator",
    "__version__",
    "count_chambers",
    "count_folder",
    "load",
    "open_image",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'neubauer' has no attribute {name!r}")
