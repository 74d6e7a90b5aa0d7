"""Training crops for the counter: annotated images in memory, warped at random, encoded as layouts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from neubauer.layouts.encode import Marks, encode
from neubauer.layouts.marks import from_labels, select
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.augment import Augmentation, changed
from neubauer.models.counter.layout import MARGIN


@dataclass(frozen=True)
class TrainingImage:
    """One annotated image at the scale of the model.

    Attributes
    ----------
    pixels : (C, Y, X) float16, normalised.
    marks : its cells.
    complete : True if `marks` are masks: centres are then recomputed from what a crop shows.
    """

    pixels: np.ndarray
    marks: Marks
    complete: bool


@dataclass(frozen=True)
class Batch:
    """pixels (N, C, Y, X); maps and known (N, M, Y / 2, X / 2)."""

    pixels: Tensor
    maps: Tensor
    known: Tensor


class CropSampler:
    """Draws batches of random crops.

    An image is drawn with a probability that grows with the square root of its area, so that large images do not drown
    small ones.
    """

    def __init__(
        self,
        images: Sequence[TrainingImage],
        spec: LayoutSpec,
        crop: int,
        augmentation: Augmentation,
        seed: int,
        border_weight: float = 1.0,
    ) -> None:
        self.images, self.spec, self.crop, self.augmentation = list(images), spec, crop, augmentation
        self.seed, self.border_weight = seed, border_weight
        weight = np.sqrt([max(i.pixels.shape[1] * i.pixels.shape[2], crop**2) for i in self.images])
        self.weight = weight / weight.sum()

    def batch(self, size: int, number: int = 0) -> Batch:
        """`size` crops of `crop` x `crop` pixels; the same ones whenever the same number of a batch is asked for."""
        self.rng = np.random.default_rng([self.seed, number])
        crops = [self._crop(self.images[i]) for i in self.rng.choice(len(self.images), size, p=self.weight)]
        pixels, maps, known = (torch.from_numpy(np.stack(part)) for part in zip(*crops, strict=True))
        return Batch(pixels, maps, known)

    def _crop(self, image: TrainingImage) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng, crop, marks = self.rng, self.crop, image.marks
        size = np.array(image.pixels.shape[1:])
        # matrix: output position (relative to the middle) -> image position
        often = self.augmentation.often
        zoom = np.exp(rng.uniform(*np.log(self.augmentation.scale))) if rng.random() < often[0] else 1.0
        angle = rng.uniform(0, 2 * np.pi) if rng.random() < often[1] else rng.integers(4) * np.pi / 2
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = turn @ np.diag([1, rng.choice([-1, 1])]) / zoom
        reach = np.maximum(size + 2 * MARGIN - crop / zoom, 0) / 2
        middle = size / 2 - 0.5 + rng.uniform(-reach, reach)
        middle = np.floor(middle) + 0.5  # pixels are then taken as they are, unless they are scaled or turned

        # normalised coordinates of grid_sample are x, y in [-1, 1] over pixel edges
        flip = np.array([[0, 1], [1, 0]])
        theta = np.diag(2 / size[::-1]) @ flip @ matrix @ flip * (crop / 2)
        shift = (2 * middle + 1)[::-1] / size[::-1] - 1
        grid = F.affine_grid(
            torch.from_numpy(np.column_stack([theta, shift])[None]).float(), [1, 1, crop, crop], align_corners=False
        )
        pixels = F.grid_sample(
            torch.from_numpy(image.pixels)[None].float(), grid, padding_mode="zeros", align_corners=False
        )[0].numpy()
        # nearest neighbour for all label-like maps at once (float32 holds labels below 2^24 exactly)
        stack = np.stack([marks.labels, marks.unknown_extent, marks.ignore, np.ones_like(marks.labels)]).astype(
            np.float32
        )
        warped = F.grid_sample(
            torch.from_numpy(stack)[None], grid, mode="nearest", padding_mode="zeros", align_corners=False
        )[0].numpy()
        labels = warped[0].astype(np.int64)
        unknown, ignore = warped[1] > 0, (warped[2] > 0) | (warped[3] == 0)

        if image.complete:
            new = from_labels(labels, marks.class_index, unknown, ignore)
        else:
            centres = (marks.centres - middle) @ np.linalg.inv(matrix).T + (crop - 1) / 2
            scaled = Marks(labels, centres, marks.class_index, marks.diameters * zoom, unknown, ignore)
            new = select(labels, scaled, centres, unknown, ignore)
        maps, known = encode(new, self.spec, self.border_weight)
        pixels = changed(pixels, labels > 0, self.augmentation, rng)
        return np.where(warped[3] > 0, pixels, 0), maps, known  # beyond the image there is nothing, as in predictions
