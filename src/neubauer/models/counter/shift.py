"""How far off may a count be because the image is of another kind than those that the counter knows?

An interval that was calibrated on images of one source knows nothing of other sources. What can be seen without truth
tells more: how far the image lies from the training images in feature space, whether objects and density agree, how
doubtful the objects are. From these comes the spread of the logarithm of true count over counted, as it was on sources
that were left out of training (`benchmarks/unseen.py`).
"""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

STRANGE = 1.0
"""Distance from the training images, in units of what is usual among them, from which on an image is unlike them."""
COEFFICIENTS = (0.5, 0.5, 1.0)
"""Of the excesses of the three signals; see `Signals`."""
QUANTILE = 1.0
"""What the sum is multiplied with, so that 90 % of the images of a new source are held."""


@dataclass(frozen=True)
class Signals:
    """What can be seen of an image without truth; each is 0 where it is as usual.

    Attributes
    ----------
    strange : logarithm of the distance from the training images in units of that of images of the known kind.
    disagreement : difference of the logarithms of the counts by objects and by density, beyond what is usual.
    doubt : mean probability of the objects of being wrong, beyond what is usual.
    """

    strange: float
    disagreement: float
    doubt: float

    def shift(self) -> float:
        """By what factor, as its natural logarithm, the true count may differ for these reasons."""
        return QUANTILE * sum(c * max(0.0, s) for c, s in zip(COEFFICIENTS, astuple(self), strict=True))


def signals(
    strange: float | None, peaks: float, density: float, usual_gap: float, doubt: float, usual_doubt: float
) -> Signals:
    """The signals of an image.

    Parameters
    ----------
    strange : distance from the training images, in units of that of images of the known kind on average; None where the
        counter keeps none.
    peaks, density : the counts by objects and by density.
    usual_gap : largest difference of the two that is usual, in units of the root of the count (see `Calibration`).
    doubt, usual_doubt : mean probability of the objects of being wrong, here and on validation images.
    """
    gap = abs(math.log((max(peaks, 0) + 1) / (max(density, 0) + 1))) - usual_gap / math.sqrt(max(peaks, 0) + 1)
    return Signals(math.log(max(strange, 1e-3)) if strange is not None else 0.0, gap, doubt - usual_doubt)
