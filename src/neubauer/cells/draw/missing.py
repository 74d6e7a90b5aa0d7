"""Where an image has no numbers, as stripes in its picture."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage as ndi

from neubauer.images.bands import bands
from neubauer.images.source import ImageSource

DARK, LIGHT = (70, 0, 90), (200, 60, 220)
"""Purple, which neither the image nor a class of cells has."""


def mark_missing(picture: Image.Image, image: ImageSource) -> Image.Image:
    """The picture of an image with stripes where pixels are missing in at least one channel; the same where none is.

    A missing pixel shows in the picture however much that is reduced. The image is read in bands.
    """
    if not image.can_miss:
        return picture
    _, height, width = image.shape
    across, down = picture.size
    marked = np.zeros((down, across), bool)
    for y0, y1 in bands(image.shape, image.dtype.itemsize):
        y, x = np.nonzero(image.missing(y0, y1, 0, width))
        if down < height or across < width:
            marked[(y + y0) * down // height, x * across // width] = True
        elif len(y):
            known = np.zeros((y1 - y0, width), bool)
            known[y, x] = True
            top, bottom = (-(-n * down // height) for n in (y0, y1))
            rows, columns = np.arange(top, bottom) * height // down - y0, np.arange(across) * width // across
            marked[top:bottom] = known[np.ix_(rows, columns)]
    if not marked.any():
        return picture
    side = max(2, max(picture.size) // 250)
    rows, columns = np.nonzero(marked)
    rim = marked & ~ndi.binary_erosion(marked, np.ones((3, 3)), 2)  # light: a dead pixel is nothing else
    light = rim[rows, columns] | ((rows + columns) // side % 4 == 0)
    pixels = np.array(picture)
    pixels[rows, columns] = np.where(light[:, None], LIGHT, DARK)
    return Image.fromarray(pixels)
