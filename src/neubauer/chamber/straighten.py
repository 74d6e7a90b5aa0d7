"""A part of a photograph as it would be seen straight from above."""

from __future__ import annotations

import numpy as np

BACKGROUND = 100
"""Of straightened images of 8 bits, which hold the intensity relative to the background."""


def as_pixels(light: np.ndarray) -> np.ndarray:
    """Intensities relative to the background as 8-bit pixels, as the counter sees them."""
    return np.asarray(np.clip(np.round(BACKGROUND * light), 0, 255).astype(np.uint8))
