"""Which pixels of an image lie in a shape."""

from __future__ import annotations

import numpy as np
from skimage.draw import polygon as polygon_pixels

from neubauer.cells.read.shapes import Shape

Window = tuple[slice, slice]


def inside(shape: Shape, size: tuple[int, int]) -> tuple[Window, np.ndarray]:
    """The pixels whose centres lie in an outline, by the even-odd rule.

    A polygon that crosses itself has what an odd number of its turns encloses.

    Parameters
    ----------
    shape : an outline or a box.
    size : (Y, X) of the image; what lies beyond is left out.

    Returns
    -------
    Window of the image, and (h, w) bool in that window.
    """
    y0, x0, y1, x1 = shape.extent
    top, left = (min(max(int(np.floor(low)), 0), side) for low, side in zip((y0, x0), size, strict=True))
    bottom, right = (
        max(min(int(np.ceil(high)), side), low) for high, side, low in zip((y1, x1), size, (top, left), strict=True)
    )
    window = np.s_[top:bottom, left:right]
    if shape.pixels is not None:
        return window, shape.pixels[top - int(y0) : bottom - int(y0), left - int(x0) : right - int(x0)]
    found = np.zeros((bottom - top, right - left), bool)
    if shape.kind == "box":
        y, x = np.arange(top, bottom) + 0.5, np.arange(left, right) + 0.5
        return window, ((y >= y0) & (y <= y1))[:, None] & ((x >= x0) & (x <= x1))
    for ring in shape.rings:
        y, x = (ring - 0.5 - (top, left)).T
        found[polygon_pixels(y, x, found.shape)] ^= True
    return window, found


def union(shapes: list[Shape], size: tuple[int, int]) -> np.ndarray:
    """(Y, X) bool: the pixels in any of the outlines and boxes; a box has all pixels that it touches."""
    found = np.zeros(size, bool)
    for shape in shapes:
        if shape.kind == "box":
            y0, x0, y1, x1 = np.clip(shape.bounds, 0, [*size, *size])
            found[int(y0) : int(np.ceil(y1)), int(x0) : int(np.ceil(x1))] = True
        elif shape.kind == "outline":
            window, pixels = inside(shape, size)
            found[window] |= pixels
    return found
