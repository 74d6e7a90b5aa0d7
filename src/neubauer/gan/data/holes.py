"""Crops with holes to learn to fill in."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from PIL import Image, ImageDraw

from neubauer.gan.data.image_pairs import Domain
from neubauer.gan.game import Batch
from neubauer.images.fill import continued

CROPS = 2000
"""Crops that are cut out of the images and smoothly filled in once; each is seen in eight ways. Of RGB images with 96
pixels to a side they take 250 MB."""


def draw_holes(shape: tuple[int, int], share: float, rng: np.random.Generator, side: float | None = None) -> np.ndarray:
    """Random strokes and blocks that cover about `share` of an image; (Y, X) bool, at least one pixel.

    Blocks have sides of 1/16 to 1/5 of an image, strokes are up to 1/12 of it wide.

    Parameters
    ----------
    shape : (Y, X).
    share : of the area.
    rng : randomness.
    side : of the image, by default the smaller one of `shape`; for a crop, that of what it is cut from.
    """
    side = min(shape) if side is None else side
    holes = np.zeros(shape, bool)
    while holes.mean() < share or not holes.any():
        if rng.random() < 0.5:
            size = rng.integers(max(2, int(side / 16)), max(3, int(side / 5)) + 1, 2)
            y, x = (int(rng.integers(-s // 2, n)) for s, n in zip(size, shape, strict=True))
            holes[max(y, 0) : max(y + size[0], 0), max(x, 0) : max(x + size[1], 0)] = True
        else:
            holes |= _stroke(shape, side, rng)
        if holes.mean() > max(0.9, share):
            holes[:] = False
    return holes


def _stroke(shape: tuple[int, int], side: float, rng: np.random.Generator) -> np.ndarray:
    """(Y, X) bool: a bent line with round ends."""
    picture = Image.new("L", shape[::-1])
    pen = ImageDraw.Draw(picture)
    radius = rng.uniform(1, max(2.0, side / 24))
    at = rng.uniform(0, shape[::-1])
    angle = rng.uniform(0, 2 * np.pi)
    for _ in range(rng.integers(1, 5)):
        angle += rng.normal(0, 0.5)
        to = at + rng.uniform(side / 10, side / 3) * np.array([np.cos(angle), np.sin(angle)])
        pen.line([*at, *to], fill=1, width=round(2 * radius))
        for x, y in (at, to):
            pen.ellipse([x - radius, y - radius, x + radius, y + radius], fill=1)
        at = to
    return np.asarray(picture, bool)


class HoleCrops:
    """Crops of images, and holes for them; satisfies `TrainingData`.

    Holes are as large as damage of the images is, from the size that suits a crop to the size that suits an image (at
    most four times as much). Each crop is made when it is first asked for, and kept: filling it in smoothly takes as
    long as a training step of the network.

    Parameters
    ----------
    images : of any size.
    side : of the crops, pixels; smaller if the images are, a multiple of 32.
    share : smallest and largest share of a crop that is cut out.
    seed : of crops and holes.
    """

    def __init__(self, images: Domain, side: int, share: tuple[float, float], seed: int) -> None:
        self.images, self.share, self.seed = images, share, seed
        self.side = min(side, max(32, self._smallest // 32 * 32))
        self._made: dict[int, np.ndarray] = {}

    @cached_property
    def _smallest(self) -> int:
        return min(min(source.shape[1:]) for source in self.images.sources)

    def __len__(self) -> int:
        return CROPS

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """Mirrored and turned at random: `image` and `smooth` (n, C, side, side) in [-1, 1], what was there and what
        continues the surroundings smoothly; `holes` (n, 1, side, side), 1 in holes."""
        turned = []
        for index in indices:
            crop = np.rot90(self._crop(int(index)), int(rng.integers(4)), (1, 2))
            turned.append(crop[:, :, ::-1] if rng.random() < 0.5 else crop)
        stack = torch.from_numpy(np.stack(turned).astype(np.float32))
        channels = self.images.channels
        return {"image": stack[:, :channels], "smooth": stack[:, channels:-1], "holes": stack[:, -1:]}

    def _crop(self, index: int) -> np.ndarray:
        """(2 C + 1, side, side) float16: image, the same with smooth holes, holes."""
        if index not in self._made:
            rng = np.random.default_rng([self.seed, index])
            i = index * len(self.images.sources) // CROPS
            pixels = self.images.crop(i, *self.images.corner(i, self.side, rng), self.side)
            small = self.side / 2 if self._smallest > self.side else self.side
            size = np.exp(rng.uniform(np.log(small), np.log(min(max(self._smallest, self.side), 4 * self.side))))
            holes = draw_holes((self.side, self.side), rng.uniform(*self.share), rng, size)
            made = np.concatenate([pixels, continued(pixels, holes), holes[None]])
            self._made[index] = made.astype(np.float16)
        return self._made[index]
