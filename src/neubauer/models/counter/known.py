"""Of which pixels of a layout does the image know anything?"""

from __future__ import annotations

import numpy as np

from neubauer.images.resample import resample_region
from neubauer.images.source import ImageSource
from neubauer.layouts.spec import STRIDE


def known_share(
    source: ImageSource, window: tuple[int, int, int, int], scale: float, at: tuple[int, int, int, int]
) -> np.ndarray | None:
    """Share of each pixel of a part of a layout in which no pixel of the image is missing.

    Parameters
    ----------
    source : the image.
    window : `y0, y1, x0, x1` of the image that the layout is of.
    scale : size of the rescaled window / size of the window.
    at : `top, bottom, left, right` of the part, in pixels of the rescaled window; top and left multiples of the stride.

    Returns
    -------
    (Y, X) float32 in 0 ... 1, at the resolution of the layout; None where all is known.
    """
    if not source.can_miss:
        return None
    y0, y1, x0, x1 = window

    def read(top: int, bottom: int, left: int, right: int) -> np.ndarray:
        return source.missing(y0 + top, y0 + bottom, x0 + left, x0 + right)[None].astype(np.float32)

    missing = resample_region(read, (y1 - y0, x1 - x0), scale, *at)[0]
    if not missing.any():
        return None
    missing = np.pad(missing, [(0, -n % STRIDE) for n in missing.shape], mode="edge")
    rows, columns = (n // STRIDE for n in missing.shape)
    return 1 - missing.reshape(rows, STRIDE, columns, STRIDE).mean((1, 3))
