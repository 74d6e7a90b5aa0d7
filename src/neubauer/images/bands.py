"""An image in bands of rows, so that memory stays bounded."""

from __future__ import annotations

import math
from collections.abc import Iterator

BAND_BYTES = 64 * 2**20
SAMPLE_PIXELS = 2_000_000
"""Size of a sample of an image, per channel."""


def bands(shape: tuple[int, int, int], itemsize: int, multiple: int = 1) -> Iterator[tuple[int, int]]:
    """First row and the one behind the last of bands that cover an image; each takes 64 MiB, or `multiple` rows.

    Parameters
    ----------
    shape : (C, Y, X).
    itemsize : bytes of a number.
    multiple : of which each band but the last has a whole number of rows.
    """
    channels, height, width = shape
    rows = max(1, BAND_BYTES // (channels * width * itemsize * multiple)) * multiple
    for y0 in range(0, height, rows):
        yield y0, min(y0 + rows, height)


def sample_steps(height: int, width: int, max_pixels: int = SAMPLE_PIXELS) -> tuple[int, int]:
    """Every how many rows and columns a sample of at most about `max_pixels` is taken, always the same ones."""
    step = max(1, math.ceil(math.sqrt(height * width / max_pixels)))
    return min(step, height), min(step, width)  # an image thinner than a step is sampled along its length alone
