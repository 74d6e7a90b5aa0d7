"""Images of two domains to train on: of any size, bit depth and number of channels, read by region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from neubauer.errors import InputError
from neubauer.gan.data.images import IntensityRange
from neubauer.gan.game import Batch
from neubauer.images.missing import refuse_missing
from neubauer.images.source import ImageSource

SAMPLED = 256
"""Side of the windows from which the intensities of a domain are learnt, one of each image."""
MOST = 200
"""Images that are looked at for that."""


@dataclass(frozen=True)
class Domain:
    """Images of one kind.

    Attributes
    ----------
    sources : the images; all with the same channels and data type.
    intensity : what -1 and 1 mean.
    """

    sources: tuple[ImageSource, ...]
    intensity: IntensityRange

    @classmethod
    def of(cls, sources: Sequence[ImageSource], name: str) -> Domain:
        """Find out what the intensities of these images are.

        Raises
        ------
        InputError : no images, images with different channels or data types, or one of which more than 0.1 % of the
            pixels are missing (NaN, infinite): a network learns every pixel.
        """
        if not sources:
            raise InputError(f"images of {name}", "none", "at least one image")
        first = sources[0]
        for other in sources[1:]:
            if (other.shape[0], other.dtype) != (first.shape[0], first.dtype):
                raise InputError(
                    other.path,
                    f"{other.shape[0]} channels of {other.dtype}",
                    f"{first.shape[0]} channels of {first.dtype}, like {first.path.name}",
                )
        for source in sources:
            refuse_missing(source)
        chosen = np.linspace(0, len(sources) - 1, min(MOST, len(sources))).round().astype(int)
        windows = [_middle(sources[i]).reshape(first.shape[0], -1) for i in chosen]
        pixels = np.concatenate(windows, 1)
        return cls(tuple(sources), IntensityRange.of(pixels[None, :, None]))

    @property
    def channels(self) -> int:
        return self.sources[0].shape[0]

    def crop(self, i: int, top: int, left: int, side: int) -> np.ndarray:
        """(C, side, side) of image i, normalised to [-1, 1]; beyond the edges of the image it is mirrored."""
        source = self.sources[i]
        _, height, width = source.shape
        y1, x1 = min(top + side, height), min(left + side, width)
        pixels = self.intensity.normalise(source.region(top, y1, left, x1)[None])[0]
        short = [(0, side - n) for n in pixels.shape[1:]]
        return np.pad(pixels, [(0, 0), *short], mode="symmetric") if any(s for _, s in short) else pixels

    def corner(self, i: int, side: int, rng: np.random.Generator) -> tuple[int, int]:
        """Top and left of a random window of image i."""
        _, height, width = self.sources[i].shape
        return int(rng.integers(max(height - side, 0) + 1)), int(rng.integers(max(width - side, 0) + 1))


@dataclass(frozen=True)
class ImagePairs:
    """Crops of images of two domains, A and B; satisfies `TrainingData`.

    Attributes
    ----------
    a, b : the domains.
    side : of the crops, pixels.
    paired : image i of A shows the same as image i of B.
    """

    a: Domain
    b: Domain
    side: int
    paired: bool

    def __len__(self) -> int:
        return max(len(self.a.sources), len(self.b.sources), 64)  # several crops of an image make an epoch

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """`a` (n, C, side, side) and `b` (n, C', side, side), mirrored and turned by quarters at random."""
        parts: dict[str, list[np.ndarray]] = {"a": [], "b": []}
        for index in indices:
            i = int(index) % len(self.a.sources)
            j = i if self.paired else int(rng.integers(len(self.b.sources)))
            at = self.a.corner(i, self.side, rng)
            to = at if self.paired else self.b.corner(j, self.side, rng)
            turn = (int(rng.integers(4)), bool(rng.integers(2)))
            parts["a"].append(_turned(self.a.crop(i, *at, self.side), *turn))
            if not self.paired:
                turn = (int(rng.integers(4)), bool(rng.integers(2)))
            parts["b"].append(_turned(self.b.crop(j, *to, self.side), *turn))
        return {name: torch.from_numpy(np.stack(crops)) for name, crops in parts.items()}


def pair_by_name(a: Sequence[ImageSource], b: Sequence[ImageSource]) -> tuple[list[ImageSource], list[ImageSource]]:
    """Images of A and B of the same name, in the same order.

    Raises
    ------
    InputError : no two names agree, or two images of one name have different sizes.
    """
    others = {source.name: source for source in b}
    both = [(source, others[source.name]) for source in a if source.name in others]
    if not both:
        raise InputError("images of A and B", "no file name (without suffix) that occurs in both", "pairs of one name")
    for x, y in both:
        if x.shape[1:] != y.shape[1:]:
            raise InputError(y.path, f"{y.shape[1:]} pixels", f"{x.shape[1:]}, like {x.path}")
    return [x for x, _ in both], [y for _, y in both]


def _middle(source: ImageSource) -> np.ndarray:
    _, height, width = source.shape
    top, left = max(height - SAMPLED, 0) // 2, max(width - SAMPLED, 0) // 2
    return source.region(top, min(top + SAMPLED, height), left, min(left + SAMPLED, width))


def _turned(image: np.ndarray, quarters: int, mirrored: bool) -> np.ndarray:
    turned = np.rot90(image, quarters, (1, 2))
    return np.ascontiguousarray(turned[:, :, ::-1] if mirrored else turned)
