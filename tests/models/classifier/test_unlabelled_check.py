from __future__ import annotations

import warnings

import numpy as np
import pytest

from neubauer.gan.data.images import ImageSet
from neubauer.models.classifier.unlabelled import discriminator_score, warn_of_other_kind


def test_images_of_one_kind_cannot_be_told_apart(cells):
    assert 0.3 < discriminator_score(cells(60), cells(400, seed=1)) < 0.7


def test_other_numbers_of_each_class_are_no_other_kind(cells):
    mostly = cells(600, seed=1)
    assert mostly.labels is not None
    chosen = np.concatenate([np.flatnonzero(mostly.labels == 0), np.flatnonzero(mostly.labels == 1)[:30]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_other_kind(cells(60), mostly.subset(chosen))


def test_another_stain_is_warned_of(cells):
    ours, theirs = cells(60), cells(300, seed=1)
    stained = ImageSet((255 - theirs.images // 2).astype(np.uint8), theirs.intensity)
    with pytest.warns(UserWarning, match=r"unlabelled images: a discriminator tells them .* same stain"):
        assert warn_of_other_kind(ours, stained) > 0.99
