"""Images to train on: from arrays or folders, all of one size, with the intensity range that samples are given back
in."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from neubauer.errors import InputError
from neubauer.gan.game import Batch
from neubauer.images.find import find_images
from neubauer.images.missing import refuse_missing
from neubauer.images.read import open_image

log = logging.getLogger("neubauer.gan")

SAMPLED_PIXELS = 2_000_000  # per channel, for percentiles


@dataclass(frozen=True)
class IntensityRange:
    """What -1 and 1 mean, per channel, in the images' own numbers.

    Attributes
    ----------
    limits : C pairs (low, high).
    dtype : name of the images' data type.
    """

    limits: tuple[tuple[float, float], ...]
    dtype: str

    @classmethod
    def of(cls, images: np.ndarray, low: float = 1.0, high: float = 99.8) -> IntensityRange:
        """The whole range of 8-bit images; else two percentiles per channel over all images (extremes where the two
        coincide)."""
        channels = images.shape[1]
        if images.dtype == np.uint8:
            return cls(((0.0, 255.0),) * channels, "uint8")
        limits = []
        for c in range(channels):
            values = images[:, c].ravel()
            values = values[:: max(1, len(values) // SAMPLED_PIXELS)]
            lower, upper = (float(v) for v in np.percentile(values, [low, high]))
            if lower >= upper:
                lower, upper = float(values.min()), float(values.max())
            limits.append((lower, upper if upper > lower else lower + 1))
        return cls(tuple(limits), images.dtype.name)

    def normalise(self, images: np.ndarray) -> np.ndarray:
        """(N, C, Y, X) -> float32 in [-1, 1]; what lies outside of the limits is clipped."""
        low, span = self._low_and_span()
        out = (images.astype(np.float32) - low) * (2 / span) - 1
        return np.clip(out, -1, 1, out=out)

    def restore(self, images: np.ndarray) -> np.ndarray:
        """(N, C, Y, X) in [-1, 1] -> the data type and range of the training images."""
        low, span = self._low_and_span()
        out = (np.clip(images.astype(np.float64), -1, 1) + 1) / 2 * span + low
        dtype = np.dtype(self.dtype)
        if dtype.kind == "f":
            return out.astype(dtype)
        info = np.iinfo(dtype)
        return np.clip(np.round(out), info.min, info.max).astype(dtype)

    def _low_and_span(self) -> tuple[np.ndarray, np.ndarray]:
        pairs = np.asarray(self.limits, np.float32)[:, :, None, None]
        return pairs[:, 0], pairs[:, 1] - pairs[:, 0]


@dataclass(frozen=True)
class ImageSet:
    """Images of one size, in memory in their own data type; satisfies `TrainingData`.

    Attributes
    ----------
    images : (N, C, Y, X).
    intensity : what -1 and 1 mean.
    labels : (N,) int64 class indices, or None.
    classes : class names; empty where there are none.
    """

    images: np.ndarray
    intensity: IntensityRange
    labels: np.ndarray | None = None
    classes: tuple[str, ...] = ()

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, Y, X)."""
        _, c, y, x = self.images.shape
        return c, y, x

    def __len__(self) -> int:
        return len(self.images)

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """`image` (n, C, Y, X) float32 in [-1, 1] and, where there are classes, `class` (n,) int64. Nothing is drawn
        from `rng`."""
        found = {"image": torch.from_numpy(self.intensity.normalise(self.images[indices]))}
        if self.labels is not None:
            found["class"] = torch.from_numpy(self.labels[indices])
        return found

    def subset(self, indices: np.ndarray) -> ImageSet:
        labels = None if self.labels is None else self.labels[indices]
        return ImageSet(self.images[indices], self.intensity, labels, self.classes)

    def split(self, share: float, seed: int, at_most: int = 1000) -> tuple[ImageSet, ImageSet | None]:
        """A training part and a held-out part of about `share` of the images; None instead of a held-out part of fewer
        than 16."""
        n = min(int(share * len(self)), at_most)
        if n < 16:
            return self, None
        order = np.random.default_rng([seed, 2]).permutation(len(self))
        return self.subset(np.sort(order[n:])), self.subset(np.sort(order[:n]))


def images_from_array(images: np.ndarray, classes: Sequence[str] | None = None) -> ImageSet:
    """Images from an array.

    Parameters
    ----------
    images : (N, C, Y, X), or (N, Y, X) for one channel; integers, floats or bool.
    classes : class name of each image.

    Raises
    ------
    InputError : another number of axes, channels last, NaN or infinite pixels, or another number of class names.
    """
    images = np.asarray(images)
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or images.dtype.kind not in "buif" or not images.size:
        raise InputError(
            "images", f"an array of shape {images.shape} and type {images.dtype}", "numbers (N, C, Y, X) or (N, Y, X)"
        )
    if images.shape[3] <= 4 < images.shape[1]:
        raise InputError(
            "images", f"shape {images.shape}, channels last", "(N, C, Y, X): numpy.moveaxis(images, -1, 1)"
        )
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise InputError("images", "NaN or infinite pixels", "finite pixels")
    if images.dtype.kind == "b":
        images = images.astype(np.uint8) * 255
    names: tuple[str, ...] = ()
    labels = None
    if classes is not None:
        if len(classes) != len(images):
            raise InputError("classes", f"{len(classes)} names", f"one for each of the {len(images)} images")
        names = tuple(sorted({str(c) for c in classes}))
        labels = np.searchsorted(names, [str(c) for c in classes]).astype(np.int64)
    return ImageSet(images, IntensityRange.of(images), labels, names)


def images_from_folder(folder: str | Path) -> ImageSet:
    """Images from a folder: all of them, or one class per sub-folder where there are sub-folders.

    Files that cannot be read, or of which more than 0.1 % of the pixels are missing (NaN, infinite), are left out, and
    named in the log: a network learns every pixel.

    Raises
    ------
    InputError : no such folder, no images, an empty class, or images of different size, number of channels or data
        type.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(folder, "no such folder", "a folder of images, or of one sub-folder of images per class")
    groups = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    files: list[Path] = []
    names: list[str] = []
    for group in groups or [folder]:
        found = find_images([group])  # an empty class is an error that names its folder
        files += found
        names += [group.name] * len(found)
    images, kept = _read_all(files)
    return images_from_array(images, [names[i] for i in kept] if groups else None)


def _read_all(files: Sequence[Path]) -> tuple[np.ndarray, list[int]]:
    """(N, C, Y, X) of the files that can be read, and which these are."""
    images, kept = [], []
    for i, file in enumerate(files):
        try:
            images.append(refuse_missing(open_image(file)).read())
            kept.append(i)
        except InputError as error:
            log.warning("left out: %s", error)
    if not images:
        raise InputError(files[0].parent, f"{len(files)} files of which none can be read", "images")
    kinds = [f"{a.shape[2]} x {a.shape[1]} px, {a.shape[0]} channels, {a.dtype}" for a in images]
    common = Counter(kinds).most_common(1)[0][0]
    odd = [i for i, kind in enumerate(kinds) if kind != common]
    if odd:
        others = f" (and {len(odd) - 1} further files differ)" if len(odd) > 1 else ""
        expected = f"{common}, like the other images: all have to be of one size, number of channels and data type"
        raise InputError(files[kept[odd[0]]], kinds[odd[0]] + others, expected)
    return np.stack(images), kept
