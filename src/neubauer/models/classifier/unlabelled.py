"""Whether images without labels are of the same kind as the labelled ones."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from neubauer.gan.data.images import ImageSet
from neubauer.metrics.features import RandomEncoder

FOLDS = 5
MOST_IMAGES = 600
OTHER_KIND = 0.95
"""Discriminator's score from which unlabelled images are taken to be of another stain or microscope."""


def discriminator_score(labelled: ImageSet, unlabelled: ImageSet, seed: int = 0) -> float:
    """How well a discriminator tells labelled from unlabelled images that it has not seen.

    Area under the curve of a logistic regression on random convolutional features, cross-validated: 0.5 where they
    are of one kind, 1 where none is mistaken. The classifier two-sample test of Lopez-Paz & Oquab, ICLR 2017. Other
    numbers of each class raise it a little, another stain to nearly 1.

    Parameters
    ----------
    labelled : at least 4 images.
    unlabelled : at least 4 images of the same shape; normalised like the labelled ones.
    """
    rng = np.random.default_rng(seed)
    parts = [images.images[rng.permutation(len(images))[:MOST_IMAGES]] for images in (labelled, unlabelled)]
    x = torch.from_numpy(labelled.intensity.normalise(np.concatenate(parts)))
    features = RandomEncoder(x, components=32)(x)
    truth = np.repeat([0, 1], [len(p) for p in parts])
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, class_weight="balanced", max_iter=1000))
    folds = StratifiedKFold(min(FOLDS, *(len(p) for p in parts)), shuffle=True, random_state=seed)
    scores = cross_val_predict(model, features, truth, cv=folds, method="decision_function")
    return float(roc_auc_score(truth, scores))


def warn_of_other_kind(labelled: ImageSet, unlabelled: ImageSet) -> float:
    """`discriminator_score`, with a warning where it says that the two are of different kinds."""
    score = discriminator_score(labelled, unlabelled)
    if score > OTHER_KIND:
        warnings.warn(
            f"unlabelled images: a discriminator tells them from the labelled ones (score {score:.2f}; one kind: 0.5). "
            "Are they of the same stain, microscope and magnification? Images of another kind do harm.",
            stacklevel=3,
        )
    return score
