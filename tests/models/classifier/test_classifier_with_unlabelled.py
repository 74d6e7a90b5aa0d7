from __future__ import annotations

import numpy as np
import pytest

from neubauer.models.classifier.augment import CellAugmentation
from neubauer.models.classifier.fit import FitSettings
from neubauer.models.estimators.cell_classifier import CellClassifier

GENTLE = CellAugmentation(erase=0.0, scale=1.1, channel=0.0)


def test_classifier_learns_from_unlabelled_images(cells):
    """`CellClassifier.fit(images, names, unlabelled)`: by the recipe, for as many steps as asked, with progress."""
    labelled, unlabelled = cells(24, size=24), cells(50, seed=1, size=24)
    names = [labelled.classes[k] for k in labelled.labels]
    steps: list[int] = []
    found = {}
    for recipe in ("supervised", "fixmatch"):
        classifier = CellClassifier(settings=FitSettings(steps=2, augmentation=GENTLE), recipe=recipe)
        classifier.fit(labelled.images, names, unlabelled.images, report=lambda step, losses: steps.append(step))
        facts = classifier.config.training
        assert (facts["unlabelled_images"], facts["recipe"], facts["steps"]) == (50, recipe, 2)
        found[recipe] = classifier.scorer.tensors["body.0.1.running_mean"]
    assert steps == [0, 0]
    assert not np.allclose(found["supervised"], found["fixmatch"])  # the unlabelled images were seen


def test_unlabelled_images_of_another_stain_are_warned_of(cells):
    labelled, unlabelled = cells(30, size=24), cells(100, seed=1, size=24)
    classifier = CellClassifier(settings=FitSettings(steps=1), recipe="supervised")
    names = [labelled.classes[k] for k in labelled.labels]
    stained = (255 - unlabelled.images // 2).astype(np.uint8)
    with pytest.warns(UserWarning, match="a discriminator tells them from the labelled ones"):
        classifier.fit(labelled.images, names, stained)
