"""Small pictures of an image, with and without its cells, for a page that shows many."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image

from neubauer.cells.draw.display import to_display
from neubauer.cells.draw.overlay import draw_cells
from neubauer.cells.table import Cells
from neubauer.images.source import ImageSource

SIDE = 288
"""Longest side, pixels."""
DRAWN = 2
"""Pictures are drawn so many times larger, and their lines so many pixels wide, so that lines are thin and smooth."""
LARGEST = 7000
"""Bytes of a picture; noisy ones are compressed more. Two of each of 2,000 images then take 37 MB on a page."""
QUALITIES = (60, 40, 24, 12, 4)


def write_thumbnails(plain: Path, outlined: Path, image: ImageSource, cells: Cells) -> None:
    """Write the picture of an image, and the same with its cells, as WebP files.

    Raises
    ------
    InputError : the image is damaged or has no finite pixel.
    ValueError : the cells are of an image of another (Y, X).
    """
    picture = to_display(image, DRAWN * SIDE)
    plain.write_bytes(thumbnail(picture))
    outlined.write_bytes(thumbnail(draw_cells(picture.copy(), image, cells, DRAWN)))


def thumbnail(picture: Image.Image) -> bytes:
    """A picture as WebP of at most `SIDE` pixels a side; the same picture gives the same bytes."""
    small = picture.convert("RGB")
    small.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS, reducing_gap=None)
    content = b""
    for quality in QUALITIES:
        buffer = io.BytesIO()
        small.save(buffer, "WEBP", quality=quality, method=4, use_sharp_yuv=True)
        content = buffer.getvalue()
        if len(content) <= LARGEST:
            break
    return content
