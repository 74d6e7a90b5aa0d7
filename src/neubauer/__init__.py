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
    "Regions": "neubauer.cells.regions.regions",
    "read_regions": "neubauer.cells.regions.read.load",
    "find_tissue": "neubauer.cells.regions.tissue",
    "count_regions": "neubauer.models.counter.parts",
    "regions_table": "neubauer.cells.regions.table",
    "Filters": "neubauer.cells.filters",
    "filter_cells": "neubauer.models.counter.parts",
    "Annotation": "neubauer.cells.annotation",
    "compare_conditions": "neubauer.compare.compare",
    "count_chambers": "neubauer.runs.chambers",
    "count_folder": "neubauer.runs.folder",
    "load": "neubauer.models.kinds",
    "write_report": "neubauer.report.write",
    "open_image": "neubauer.images.read",
    "NeubauerError": "neubauer.errors",
    "InputError": "neubauer.errors",
}

if TYPE_CHECKING:
    from neubauer.cells.annotation import Annotation
    from neubauer.cells.filters import Filters
    from neubauer.cells.regions.read.load import read_regions
    from neubauer.cells.regions.regions import Regions
    from neubauer.cells.regions.table import regions_table
    from neubauer.cells.regions.tissue import find_tissue
    from neubauer.cells.table import Cells
    from neubauer.compare.compare import compare_conditions
    from neubauer.errors import InputError, NeubauerError
    from neubauer.images.read import open_image
    from neubauer.models.counter.parts import count_regions, filter_cells
    from neubauer.models.estimators.cell_classifier import CellClassifier
    from neubauer.models.estimators.cell_counter import CellCounter
    from neubauer.models.estimators.image_generator import ImageGenerator
    from neubauer.models.estimators.inpainter import Inpainter
    from neubauer.models.estimators.sequence_generator import SequenceGenerator
    from neubauer.models.estimators.style_translator import StyleTranslator
    from neubauer.models.kinds import load
    from neubauer.report.write import write_report
    from neubauer.runs.chambers import count_chambers
    from neubauer.runs.folder import count_folder

__all__ = [
    "Annotation",
    "CellClassifier",
    "CellCounter",
    "Cells",
    "Filters",
    "ImageGenerator",
    "Inpainter",
    "InputError",
    "NeubauerError",
    "Regions",
    "SequenceGenerator",
    "StyleTranslator",
    "__version__",
    "compare_conditions",
    "count_chambers",
    "count_folder",
    "count_regions",
    "filter_cells",
    "find_tissue",
    "load",
    "open_image",
    "read_regions",
    "regions_table",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'neubauer' has no attribute {name!r}")
