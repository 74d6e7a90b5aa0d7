"""Crops of single cells, from files and arrays, brought to the size that a classifier sees."""

from __future__ import annotations

import hashlib
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neubauer.errors import InputError
from neubauer.images.missing import refuse_missing
from neubauer.images.read import ImageSource, from_array
from neubauer.images.resample import resample
from neubauer.models.classifier.config import ClassifierConfig
from neubauer.models.shared.inputs import ImageLike, as_source, same_numbers

MOST_SPREAD = 4.0
"""Ratio of the largest to the smallest side in a training set beyond which the crops cannot be of one magnification."""
HALF = 0.5
"""Share of missing pixels up to which a crop is looked at."""
SAME_SIDE = 1.25
"""A crop whose side is within this ratio of the training crops' is taken to have their magnification."""


@dataclass(frozen=True)
class Crops:
    """Crops in memory.

    Attributes
    ----------
    pixels : N arrays (C, Y, X) of one data type and number of channels.
    names : what each is called.
    kept : their places in what was given.
    failed : why the others could not be used, by their places.
    """

    pixels: list[np.ndarray]
    names: list[str]
    kept: list[int]
    failed: dict[int, InputError]

    def side(self) -> float:
        """Typical side: the median of the geometric means of height and width."""
        return float(np.median([crop_side(p) for p in self.pixels]))


def crop_side(pixels: np.ndarray) -> float:
    """Geometric mean of height and width of a crop (C, Y, X)."""
    return math.sqrt(pixels.shape[1] * pixels.shape[2])


def sources(images: np.ndarray | Sequence[ImageLike]) -> list[ImageLike]:
    """Single images of an array (N, C, Y, X) or a sequence.

    Raises
    ------
    InputError : an array of another number of axes, or nothing.
    """
    if isinstance(images, np.ndarray):
        if images.ndim != 4:
            raise InputError("images", f"an array of shape {images.shape}", "(N, C, Y, X)")
        return [from_array(a, name=str(i), axes="CYX") for i, a in enumerate(images)]
    if not len(images):
        raise InputError("images", "none", "at least one")
    return list(images)


def read_crops(
    images: Sequence[ImageLike],
    like: tuple[int, str] | None = None,
    adapt: Callable[[ImageLike], ImageSource] | None = None,
) -> Crops:
    """Read crops, as far as they can be read and at most half of their pixels are missing (NaN, infinite); in place of
    those is the median of the crop.

    Parameters
    ----------
    images : files or arrays.
    like : number of channels and data type that a classifier expects; crops of others fail too. By default all have to
        be like the first.
    adapt : what to do with each image first, such as `StyleTranslator.source`.

    Raises
    ------
    InputError : without `like`, a crop is of another number of channels or data type than the first.
    """
    crops = Crops([], [], [], {})
    for i, image in enumerate(images):
        try:
            source = as_source(image if adapt is None else adapt(image), like and like[0])
            found = refuse_missing(source, HALF, "crops").read()
            if like is not None:
                same_numbers(source, like[1])
        except InputError as error:  # one bad file does not cost the others
            crops.failed[i] = error
            continue
        first = crops.pixels[0] if crops.pixels else found
        if like is None and (len(found), found.dtype) != (len(first), first.dtype):
            what = f"{len(found)} channels, {found.dtype}"
            raise InputError(source.path, what, f"{len(first)} channels, {first.dtype}, like {crops.names[0]}")
        crops.pixels.append(found)
        crops.names.append(source.name)
        crops.kept.append(i)
    return crops


def usable(crops: Crops) -> Crops:
    """The crops, with a warning for each that failed.

    Raises
    ------
    InputError : all failed; the first reason is given.
    """
    if not crops.pixels:
        raise next(iter(crops.failed.values()))
    for error in crops.failed.values():
        warnings.warn(f"left out: {error}", stacklevel=3)
    return crops


def check_sides(crops: Crops) -> None:
    """Refuse crops that cannot be of one magnification.

    Raises
    ------
    InputError : the sides of the largest and the smallest crop are too far apart; both are named.
    """
    sides = np.array([crop_side(p) for p in crops.pixels])
    low, high = int(sides.argmin()), int(sides.argmax())
    if sides[high] > MOST_SPREAD * sides[low]:
        small, large = crops.pixels[low].shape, crops.pixels[high].shape
        raise InputError(
            crops.names[high],
            f"{large[2]} x {large[1]} px, and {small[2]} x {small[1]} px in {crops.names[low]}",
            f"crops of one magnification, whose sides differ at most {MOST_SPREAD:g} times",
        )


def drop_duplicates(where: str | Path, crops: Crops, names: Sequence[str]) -> list[int]:
    """Places of the crops without repeats of the same pixels; a warning names the first repeat.

    Parameters
    ----------
    where : what to name in an error.
    crops : the crops.
    names : class of each.

    Raises
    ------
    InputError : the same pixels are in two classes; up to three such pairs are named.
    """
    first: dict[bytes, int] = {}
    repeats: list[tuple[int, int]] = []
    for i, pixels in enumerate(crops.pixels):
        digest = hashlib.sha256(str(pixels.shape).encode() + np.ascontiguousarray(pixels).tobytes()).digest()
        if first.setdefault(digest, i) != i:
            repeats.append((first[digest], i))
    across = [(a, b) for a, b in repeats if names[a] != names[b]]
    if across:
        pairs = [f"{crops.names[a]} ({names[a]}) = {crops.names[b]} ({names[b]})" for a, b in across[:3]]
        more = f" and {len(across) - 3} more" if len(across) > 3 else ""
        raise InputError(where, "the same image in two classes: " + "; ".join(pairs) + more, "each image in one class")
    if repeats:
        a, b = repeats[0]
        text = f"{len(repeats)} images occur twice and are used once, e.g. {crops.names[b]} = {crops.names[a]}"
        warnings.warn(text, stacklevel=3)
    again = {b for _, b in repeats}
    return [i for i in range(len(crops.pixels)) if i not in again]


def to_square(pixels: np.ndarray, scale: float, size: int) -> np.ndarray:
    """(C, Y, X) -> (C, size, size) of the same type: scaled, cut or continued at the edges, the middle kept."""
    if scale != 1:
        scaled = resample(pixels, scale)
        pixels = (np.rint(scaled) if pixels.dtype.kind in "ui" else scaled).astype(pixels.dtype)
    for axis in (1, 2):
        have = pixels.shape[axis]
        if have > size:
            start = (have - size) // 2
            pixels = np.take(pixels, range(start, start + size), axis)
        elif have < size:
            before = (size - have) // 2
            widths = [(0, 0)] * 3
            widths[axis] = (before, size - have - before)
            pixels = np.pad(pixels, widths, mode="edge")
    return pixels


def to_images(crops: Crops, scale: float, size: int) -> np.ndarray:
    """(N, C, size, size) of the type of the crops."""
    return np.stack([to_square(p, scale, size) for p in crops.pixels])


def squares_for(config: ClassifierConfig, crops: Crops, diameter: float | None = None) -> np.ndarray:
    """The crops as a classifier sees them.

    Parameters
    ----------
    diameter : typical diameter of the cells, in pixels of the crops. By default a crop about as large as the training
        crops is taken to have their magnification, and any other to show as much as they do; a warning says so.

    Returns
    -------
    (N, C, size, size) of the type of the crops.

    Raises
    ------
    InputError : the diameter is not positive.
    """
    own = config.size / config.side
    if diameter is not None:
        if not diameter > 0:
            raise InputError("diameter", f"{diameter:g} px", "a positive number")
        return to_images(crops, own * config.diameter / diameter, config.size)
    sides = [crop_side(p) for p in crops.pixels]
    same = [config.side / SAME_SIDE <= side <= config.side * SAME_SIDE for side in sides]
    if not all(same):
        i = same.index(False)
        text = f"{same.count(False)} images are of another size than the training crops ({config.side:.0f} px), e.g. "
        text += (
            f"{crops.names[i]}: {sides[i]:.0f} px; they are scaled to it. If their magnification is known, give the "
        )
        warnings.warn(text + "diameter", stacklevel=3)
    scales = [own if alike else config.size / side for alike, side in zip(same, sides, strict=True)]
    return np.stack([to_square(p, scale, config.size) for p, scale in zip(crops.pixels, scales, strict=True)])
