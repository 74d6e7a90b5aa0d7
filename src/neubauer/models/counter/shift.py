"""How far off may a count be because the image is of another kind than those that the counter knows?

An interval that was calibrated on images of one source knows nothing of other sources. What can be seen without truth
is how far an image lies from the training images in feature space (`neubauer.models.counter.strangeness`).
"""

from __future__ import annotations

import math

STRANGE = 1.0
"""Distance from the training images, in units of what is usual among them, from which on an image is unlike them."""
SLOPE = 0.8
"""How fast the logarithm of what a count may be off by grows with that of the distance.

Measured on sources that were left out of training (`benchmarks/unseen.py`): holds 90 % of their images with the best
interval score; steeper slopes make the intervals of images of known sources wider, some of which are as far away."""


def shift(distance: float) -> float:
    """By what factor, as its natural logarithm, the true count may differ because the image is strange.

    Parameters
    ----------
    distance : from the training images, in units of that of images of the known kind on average.
    """
    return SLOPE * math.log(max(distance, 1.0))
