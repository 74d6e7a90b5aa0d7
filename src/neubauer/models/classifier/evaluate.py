"""How good is a classifier on images whose class is known?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neubauer.errors import InputError
from neubauer.metrics.classification import ClassificationScores, classification_scores
from neubauer.models.classifier.crops import read_crops, squares_for, usable
from neubauer.models.classifier.predict import TrainedClassifier
from neubauer.models.classifier.prepare import Images, Labels, labelled_images


def evaluate_classifier(
    classifier: TrainedClassifier, images: Images, labels: Labels = None, *, diameter: float | None = None
) -> ClassificationScores:
    """Scores on images that the classifier should not have been trained on.

    Parameters
    ----------
    images, labels : as `CellClassifier.fit` takes them; classes may be missing.
    diameter : see `CellClassifier.predict`.

    Raises
    ------
    InputError : a class that the classifier does not know, or no image can be used. Images that cannot be read are left
        out with a warning.
    """
    config = classifier.config
    where, given, names = labelled_images(images, labels)
    check_known(where, names, config.classes)
    crops = usable(read_crops(given, (config.channels, config.dtype)))
    true = np.array([config.classes.index(names[i]) for i in crops.kept])
    found = classifier.probabilities(squares_for(config, crops, diameter))
    return classification_scores(true, found, config.classes, config.threshold)


def check_known(where: Path, names: Sequence[str], classes: Sequence[str]) -> None:
    """Raise InputError if a class is not one of the classifier's."""
    strange = sorted(set(names) - set(classes))
    if strange:
        raise InputError(where, f"the class {strange[0]}", "classes of the classifier: " + ", ".join(classes))


def restricted(probabilities: np.ndarray, classes: Sequence[str], to: Sequence[str]) -> np.ndarray:
    """(N, K) probabilities given that only some classes can occur; zero for the others."""
    possible = np.isin(classes, list(to))
    kept = probabilities * possible
    return kept / np.maximum(kept.sum(1, keepdims=True), 1e-12)
