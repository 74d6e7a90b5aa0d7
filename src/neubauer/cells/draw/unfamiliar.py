"""Which parts of an image the counter does not know, as thin stripes in its picture."""

from __future__ import annotations

import numpy as np
from PIL import Image

from neubauer.cells.table import Unfamiliar

STRIPES = 24
"""Across the longer side of a picture."""
STRIPE = (255, 235, 60)
DARKER = 0.5
"""Brightness that is left beside a stripe, so that it shows on bright images too."""


def mark_unfamiliar(picture: Image.Image, unfamiliar: Unfamiliar | None, shape: tuple[int, int]) -> Image.Image:
    """The picture of an image of `shape` (Y, X) with stripes where its blocks are unlike what was learnt."""
    if unfamiliar is None or not unfamiliar.blocks.any():
        return picture
    rows, columns = (
        np.minimum(((np.arange(n) + 0.5) * whole / n / side).astype(int), blocks - 1)
        for n, whole, side, blocks in zip(
            picture.size[::-1], shape, unfamiliar.side, unfamiliar.blocks.shape, strict=True
        )
    )
    marked = unfamiliar.blocks[np.ix_(rows, columns)]
    y, x = np.nonzero(marked)
    period = max(8, max(picture.size) // STRIPES)
    width = max(1, period // 24)
    phase = (y + x) % period
    pixels = np.array(picture)
    beside = (phase >= width) & (phase < 2 * width)
    pixels[y[beside], x[beside]] = (pixels[y[beside], x[beside]] * DARKER).astype(np.uint8)
    pixels[y[phase < width], x[phase < width]] = STRIPE
    return Image.fromarray(pixels)
