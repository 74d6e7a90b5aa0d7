"""Crops with holes to learn to fill in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from neubauer.gan.game import Batch
from neubauer.gan.image_pairs import Domain


def draw_holes(shape: tuple[int, int], share: float, rng: np.random.Generator) -> np.ndarray:
    """Random strokes and blocks that cover about `share` of an image; (Y, X) bool, at least one pixel.

    Strokes and blocks are as large as damage is: a few to some 20 pixels wide, or a fifth of the image.
    """
    from skimage.draw import disk, line

    holes = np.zeros(shape, bool)
    side = min(shape)
    while holes.mean() < share or not holes.any():
        if rng.random() < 0.5:
            size = rng.integers(max(2, side // 16), max(3, side // 5) + 1, 2)
            y, x = (int(rng.integers(-s // 2, n)) for s, n in zip(size, shape, strict=True))
            holes[max(y, 0) : y + size[0], max(x, 0) : x + size[1]] = True
        else:
            width = rng.uniform(1, max(2.0, side / 24))
            at = np.array([rng.integers(shape[0]), rng.integers(shape[1])])
            angle = rng.uniform(0, 2 * np.pi)
            for _ in range(rng.integers(1, 5)):
                length = rng.uniform(side / 10, side / 3)
                angle += rng.normal(0, 0.5)
                to = np.round(at + length * np.array([np.sin(angle), np.cos(angle)])).astype(int)
                for place in zip(*line(int(at[0]), int(at[1]), int(to[0]), int(to[1])), strict=True):
                    holes[disk(place, width, shape=shape)] = True
                at = to
        if holes.all():
            holes[:] = False
    return holes


@dataclass(frozen=True)
class HoleCrops:
    """Crops of images, and holes for them; satisfies `TrainingData`.

    Attributes
    ----------
    images : of any size.
    side : of the crops, pixels.
    share : smallest and largest share of a crop that is cut out.
    """

    images: Domain
    side: int
    share: tuple[float, float]

    def __len__(self) -> int:
        return max(len(self.images.sources), 64)  # several crops of an image make an epoch

    def batch(self, indices: np.ndarray, rng: np.random.Generator) -> Batch:
        """`image` (n, C, side, side) in [-1, 1], mirrored and turned at random; `holes` (n, 1, side, side), 1 in
        holes."""
        crops, holes = [], []
        for index in indices:
            i = int(index) % len(self.images.sources)
            crop = self.images.crop(i, *self.images.corner(i, self.side, rng), self.side)
            crop = np.rot90(crop, int(rng.integers(4)), (1, 2))
            crops.append(np.ascontiguousarray(crop[:, :, ::-1] if rng.random() < 0.5 else crop))
            holes.append(draw_holes((self.side, self.side), rng.uniform(*self.share), rng)[None].astype(np.float32))
        return {"image": torch.from_numpy(np.stack(crops)), "holes": torch.from_numpy(np.stack(holes))}
