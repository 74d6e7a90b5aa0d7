"""Damaged regions of images: read from mask files, or found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import ndimage as ndi

from neubauer.errors import InputError
from neubauer.images.read import open_image
from neubauer.images.readers.tiff import MAGIC, open_tiff

SPECK = 9
"""Largest area (pixels) of a group of dead or hot pixels."""
OUTLIER = 12.0
"""Damage differs from its surroundings by so many times the usual difference from the median."""
LEAST = 0.25
"""And by at least this share of the image's range."""
LEAST_BLOCK = 64
"""Least area (pixels) of a dropped block."""
SCRATCH = 25
"""Least length (pixels) of a scratch."""
THIN = 0.1
"""Largest width of a scratch, as a share of its length."""


def read_holes(path: str | Path, shape: tuple[int, int]) -> np.ndarray:
    """Holes from a mask file: what is not 0 (in any channel), as it is stored, is a hole.

    Returns
    -------
    (Y, X) bool.

    Raises
    ------
    InputError : not an image, of another size than (Y, X) `shape`, or a mask that covers everything.
    """
    source = open_image(path)
    with open(path, "rb") as file:
        if file.read(4).startswith(MAGIC):
            source = open_tiff(Path(path), as_stored=True)  # 1-bit masks are often written with 0 for white
    if source.shape[1:] != shape:
        raise InputError(path, f"a mask of {source.shape[1:]} pixels", f"{shape}, as the image has")
    return check_holes(np.asarray(source.read().any(0)), str(path))


def check_holes(holes: np.ndarray, where: str) -> np.ndarray:
    """The holes as (Y, X) bool; raises InputError if they cover everything."""
    holes = np.asarray(holes).astype(bool)
    if holes.all():
        raise InputError(where, "a hole that covers the whole image", "some pixels to go by")
    return holes


def find_holes(image: np.ndarray) -> np.ndarray:
    """Find dead and hot pixels, dropped blocks and scratches.

    - *Dropped blocks*: rectangles of one and the same value (0 or the largest of the image) in all channels.
    - *Dead and hot pixels*: groups of up to 9 pixels brighter or darker than all that surrounds them, in some channel.
    - *Scratches*: long and thin groups of pixels far off the median of their surroundings.

    Parameters
    ----------
    image : (C, Y, X).

    Returns
    -------
    (Y, X) bool; scratches and specks are one pixel wider than what is seen of them.
    """
    holes = _blocks(image)
    specks, streaks = np.zeros_like(holes), np.zeros_like(holes)
    ring = np.ones((9, 9), bool)
    ring[2:7, 2:7] = False
    for channel in image.astype(np.float32):
        median = ndi.median_filter(channel, 9)
        difference = np.abs(channel - median)
        usual = float(np.median(difference[~holes])) if not holes.all() else 0.0
        far = max(OUTLIER * usual, LEAST * float(np.ptp(channel)), 1e-9)
        streaks |= difference > far
        # brighter or darker than all that is around: the edge of a cell is not
        high = channel - ndi.maximum_filter(channel, footprint=ring)
        low = ndi.minimum_filter(channel, footprint=ring) - channel
        specks |= np.maximum(high, low) > far
    found = _groups(specks & ~holes, lambda area, length: area <= SPECK)
    found |= _groups(streaks & ~holes, lambda area, length: length >= SCRATCH and area <= THIN * length**2)
    return holes | ndi.binary_dilation(found, np.ones((3, 3)))


def _groups(mask: np.ndarray, wanted: Callable[[int, float], bool]) -> np.ndarray:
    """The connected groups of a mask of wanted area and length (diagonal of the box)."""
    groups, _ = ndi.label(mask, np.ones((3, 3)))
    found = np.zeros_like(mask)
    for i, box in enumerate(ndi.find_objects(groups), 1):
        mine = groups[box] == i
        if wanted(int(mine.sum()), float(np.hypot(*mine.shape))):
            found[box] |= mine
    return found


def _blocks(image: np.ndarray) -> np.ndarray:
    """(Y, X) bool: rectangles of one extreme value."""
    result = np.zeros(image.shape[1:], bool)
    for value in {0, float(image.max())}:
        groups, _ = ndi.label((image == value).all(0))
        for i, box in enumerate(ndi.find_objects(groups), 1):
            mine = groups[box] == i
            if mine.sum() >= LEAST_BLOCK and min(mine.shape) >= 4 and mine.mean() > 0.95:
                result[box] |= mine
    return result


def show_holes(image: np.ndarray, holes: np.ndarray) -> np.ndarray:
    """The image in grey with its holes in red, (Y, X, 3) uint8."""
    grey = image.astype(np.float32).mean(0)
    low, high = np.percentile(grey, [1, 99.8])
    grey = np.clip((grey - low) / max(high - low, 1e-9), 0, 1)
    rgb = np.repeat(grey[..., None], 3, 2)
    rgb[holes] = 0.4 * rgb[holes] + 0.6 * np.array([1.0, 0.1, 0.1])
    return (rgb * 255).astype(np.uint8)
