"""Nothing is counted where an image has no numbers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neubauer.errors import InputError
from neubauer.images.missing import count_missing, percent
from neubauer.images.source import ImageSource
from neubauer.layouts.decode import keep_only
from neubauer.layouts.spec import STRIDE
from neubauer.models.counter.known import known_share
from neubauer.models.counter.layout import Layout
from neubauer.models.counter.objects import Objects

ROWS = 256
"""Rows of the layout looked at together."""
SPECKS = 0.0005
"""Up to this share missing pixels are counted in words, not given as a share."""


def missing_info(source: ImageSource) -> dict[str, object]:
    """For `Cells.info`: number and share of the missing pixels; empty where there are none.

    Raises
    ------
    InputError : all pixels are missing.
    """
    number, total = count_missing(source), source.shape[1] * source.shape[2]
    if number == total:
        raise InputError(
            source.path, "no pixel that has a number in every channel", "an image with finite pixel values"
        )
    return {"missing_pixels": number, "missing_share": number / total} if number else {}


def missing_flags(info: Mapping[str, object]) -> list[str]:
    """What people are told of it."""
    number, share = info.get("missing_pixels"), info.get("missing_share")
    if not isinstance(number, int) or not isinstance(share, float):
        return []
    what = f"{number} pixel{'s' * (number != 1)}" if share < SPECKS else percent(share)
    verb = "is" if share >= SPECKS or number == 1 else "are"
    return [f"{what} of the image {verb} missing (not a number): nothing is counted there"]


def without_missing(objects: Objects, layout: Layout, source: ImageSource) -> Objects:
    """The objects at least half of which lies on pixels that the image has.

    So cells at the rim of what is missing are kept if their middle is seen, and a dead pixel costs no cell.

    Parameters
    ----------
    objects : of the layout.
    layout : of the whole image.
    source : the image.
    """
    n = len(objects)
    if not n or not source.can_miss:
        return objects
    window = (0, layout.shape[0], 0, layout.shape[1])
    lost = np.zeros(n + 1)
    for top in range(0, len(objects.labels), ROWS):
        bottom = min(STRIDE * (top + ROWS), layout.scaled_shape[0])
        known = known_share(source, window, layout.scale, (STRIDE * top, bottom, 0, layout.scaled_shape[1]))
        if known is not None:
            lost += np.bincount(objects.labels[top : top + ROWS].ravel(), (1 - known).ravel(), minlength=n + 1)
    keep = lost[1:] <= np.bincount(objects.labels.ravel(), minlength=n + 1)[1:] / 2
    if keep.all():
        return objects
    return Objects(
        keep_only(objects.labels, keep),
        objects.centres[keep],
        objects.diameters[keep],
        objects.features[keep],
        objects.class_probability[keep],
        objects.extent[keep],
    )
