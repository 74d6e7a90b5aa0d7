"""A classifier's training set, enlarged by generated images where that helps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from neubauer.gan.data.images import ImageSet
from neubauer.models.classifier.config import ClassifierConfig
from neubauer.models.classifier.fit import FitSettings, fit_network
from neubauer.models.classifier.generated import GenerationSettings, augment_by_generation
from neubauer.models.classifier.network import build_network
from neubauer.models.classifier.prepare import split
from neubauer.nets.classifier import CellNet


def with_generated(
    config: ClassifierConfig,
    train: ImageSet,
    validation: ImageSet,
    settings: FitSettings,
    generated: GenerationSettings,
) -> tuple[ImageSet, dict[str, object]]:
    """The training images, with generated ones if they help, and the comparison as JSON with a sentence as `text`.

    One half of the validation images chooses the share of generated images, the other half judges.

    Raises
    ------
    InputError : no class is rare, or one is too small (see `augment_by_generation`).
    """
    assert validation.labels is not None

    def fit(images: ImageSet, seed: int) -> CellNet:
        torch.manual_seed(settings.seed + seed)
        network = build_network(config)
        assert isinstance(network, CellNet)
        return fit_network(network, images, replace(settings, seed=settings.seed + seed))

    judged = split(validation.labels, 0.5, settings.seed)
    choosing, judging = (validation.subset(np.flatnonzero(part)) for part in (~judged, judged))
    train, report = augment_by_generation(train, choosing, judging, fit, generated)
    return train, {"text": report.text(), **report.as_dict()}
