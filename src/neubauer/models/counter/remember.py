"""Have a counter keep what its training images look like to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neubauer.images.normalise import percentile_limits
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.appearance import numbers
from neubauer.models.counter.layout import predict_layout
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.counter.strangeness import remember
from neubauer.models.shared.inputs import Annotated


def keep_what_is_known(
    counter: TrainedCounter,
    trained: Sequence[tuple[Annotated, float]],
    held_out: Sequence[tuple[Annotated, float]],
) -> None:
    """Give a counter, in place, the features of its training images, by which it tells strange ones.

    Parameters
    ----------
    counter : trained.
    trained, held_out : images that it was trained on, and others of the same kind, each with the typical diameter
        (pixels) by which it is scaled.
    """
    seen, unseen = ([_features(counter, p, d) for p, d in some] for some in (trained, held_out))
    assert counter.network_ is not None
    known = remember(seen, unseen, numbers(counter.config.channels, counter.network_.stride))
    counter.set(counter.config, known=known)


def _features(counter: TrainedCounter, pair: Annotated, diameter: float) -> np.ndarray:
    config = counter.config
    spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
    limits = percentile_limits(pair.source, *config.percentiles)
    assert counter.network_ is not None
    return predict_layout(counter.network_, spec, pair.source, limits, config.layout_diameter / diameter).features
