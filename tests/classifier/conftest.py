"""A classifier trained on simulated cells of three kinds."""

from __future__ import annotations

import pytest
from drawn_cells import MILD, draw_cells

from neubauer.models.cell_classifier import CellClassifier
from neubauer.models.classifier_fit import FitSettings


@pytest.fixture(scope="session")
def trained() -> CellClassifier:
    """A network that knows the three kinds."""
    images, names = draw_cells(120, seed=1)
    settings = FitSettings(steps=70, batch=32, average=0.9, augmentation=MILD)
    return CellClassifier(settings=settings).fit(images, names)
