"""Image to layout, tile by tile: the same result as in one piece, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from neubauer.gan.training.machine import bfloat16_is_fast
from neubauer.images.normalise import normalise
from neubauer.images.read import ImageSource
from neubauer.images.resample import resample_region, resampled_size
from neubauer.layouts.spec import STRIDE, LayoutSpec
from neubauer.models.counter.appearance import appearance, moments
from neubauer.models.counter.focus import Focus
from neubauer.models.counter.known import known_share
from neubauer.models.counter.loss import activate
from neubauer.nets.unet import LayoutNet

TILE = 1024
"""Side of the tiles, in pixels at the scale of the model."""
MARGIN = 16
"""Zeros around the image (pixels, a multiple of the network's stride), as in training crops that reach beyond it:
without them the network sees its own padding at the border and counts too many cells there."""


BLOCK = 8
"""Side of the blocks over which features are averaged, in pixels of the network's coarsest level."""


@dataclass(frozen=True)
class Layout:
    """The predicted layout of one image.

    Attributes
    ----------
    maps : (4, Y, X) float16: centre, offset-0, offset-1, foreground.
    class_probability : (K, Y, X) uint8, in 1/255.
    density_sums : (K,) float64, the count of each class by its density map, without what is missing of the image; with
        regions, in all of them together.
    scale : size of the rescaled image / size of the original.
    shape, scaled_shape : (Y, X) of the original and of the rescaled image.
    features : (By, Bx, F) float32, what the coarsest level of the network holds on average in each block of
        BLOCK x BLOCK of its pixels, and behind that what the pixels there look like
        (`neubauer.models.counter.appearance`); NaN where it did not look.
    part_sums : (P, K) float64, as `density_sums`, in each of the regions' parts.
    """

    maps: np.ndarray
    class_probability: np.ndarray
    density_sums: np.ndarray
    scale: float
    shape: tuple[int, int]
    scaled_shape: tuple[int, int]
    features: np.ndarray
    part_sums: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    @property
    def centre(self) -> np.ndarray:
        return self.maps[0]

    @property
    def offset(self) -> np.ndarray:
        return self.maps[1:3]

    @property
    def foreground(self) -> np.ndarray:
        return self.maps[3]


def scaled_shape(shape: tuple[int, int], scale: float) -> tuple[int, int]:
    """(Y, X) of the image after rescaling."""
    return resampled_size(shape[0], scale), resampled_size(shape[1], scale)


def predict_layout(
    network: LayoutNet,
    spec: LayoutSpec,
    source: ImageSource,
    limits: np.ndarray,
    scale: float,
    *,
    tile: int = TILE,
    window: tuple[int, int, int, int] | None = None,
    focus: Focus | None = None,
) -> Layout:
    """Run the network over an image.

    Parameters
    ----------
    network : in evaluation mode.
    source : the image, read by region.
    limits : (C, 2) intensities that become 0 and 1.
    scale : size ratio at which the network sees the image.
    tile : side of the tiles, a multiple of the network's stride.
    window : `y0, y1, x0, x1` of the original image; everything outside is taken not to exist.
    focus : regions of the whole image: the network looks only near them, and what it finds there is the same.

    Returns
    -------
    Layout : of the image, or of the window.

    Raises
    ------
    ValueError : the tile is no positive multiple of the stride.
    """
    if tile <= 0 or tile % network.stride:
        raise ValueError(f"a tile of {tile}: expected a positive multiple of {network.stride}")
    y0, y1, x0, x1 = window or (0, source.shape[1], 0, source.shape[2])
    shape = (y1 - y0, x1 - x0)
    size = scaled_shape(shape, scale)

    def read(top: int, bottom: int, left: int, right: int) -> np.ndarray:
        return normalise(source.region(y0 + top, y0 + bottom, x0 + left, x0 + right), limits)

    rows, columns = (-(-n // STRIDE) for n in size)
    classes = len(spec.classes)
    maps = np.zeros((4, rows, columns), np.float16)  # what is never written to takes no memory
    probability = np.zeros((classes, rows, columns), np.uint8)
    sums, part_sums = np.zeros(classes), np.zeros((0 if focus is None else len(focus.regions.parts), classes))
    halo, stride = network.halo, network.stride
    features, looks = BlockMeans(size, stride), BlockMeans(size, stride)
    device = next(network.parameters()).device
    low_precision = bfloat16_is_fast(device)
    places = tiles(size, tile)
    for top, bottom, left, right in places if focus is None else focus.looks(places, shape, size, BLOCK * stride):
        low = [max(-MARGIN, top - halo), max(-MARGIN, left - halo)]
        high = [min(size[0] + MARGIN, bottom + halo), min(size[1] + MARGIN, right + halo)]
        start = [max(0, a) for a in low]
        stop = [min(n, b) for n, b in zip(size, high, strict=True)]
        pixels = resample_region(read, shape, scale, start[0], stop[0], start[1], stop[1])
        padded = [-(-(b - a) // stride) * stride for a, b in zip(low, high, strict=True)]
        canvas = np.zeros((1, len(pixels), *padded), np.float32)
        y, x = start[0] - low[0], start[1] - low[1]
        canvas[0, :, y : y + pixels.shape[1], x : x + pixels.shape[2]] = pixels
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=low_precision):
            encoded = network.encode(torch.from_numpy(canvas).to(device, memory_format=torch.channels_last))
            layout = activate(network.decode(encoded).contiguous(), spec)[0]
        features.add(encoded[-1][0].float().cpu().numpy(), low, (top, bottom, left, right))
        looks.add(moments(torch.from_numpy(canvas[0]), stride).numpy(), low, (top, bottom, left, right))
        inner = (
            slice((top - low[0]) // STRIDE, -(-(bottom - low[0]) // STRIDE)),
            slice((left - low[1]) // STRIDE, -(-(right - low[1]) // STRIDE)),
        )
        part = layout[(slice(None), *inner)].cpu()
        at = (slice(None), slice(top // STRIDE, -(-bottom // STRIDE)), slice(left // STRIDE, -(-right // STRIDE)))
        maps[at] = part[:4].half().numpy()  # rounded by torch: NumPy takes ten times as long
        probability[at] = (part[spec.class_maps] * 255).round().byte().numpy()
        density = part[spec.density].double()
        known = known_share(source, (y0, y1, x0, x1), scale, (top, bottom, left, right))
        if known is not None:
            density = density * torch.from_numpy(known)
        if focus is not None:
            inside, parts = focus.shares((top, bottom, left, right), shape, size)
            for i, mask in parts:
                part_sums[i] += (density if mask is None else density * torch.from_numpy(mask)).sum((1, 2)).numpy()
            density = density if inside is None else density * torch.from_numpy(inside)
        sums += density.sum((1, 2)).numpy()
    seen = features.means()
    if features.sums is not None:
        seen = np.concatenate([seen, appearance(looks.means(), source.shape[0])], -1)
    return Layout(maps, probability, sums, scale, shape, size, seen, part_sums)


class BlockMeans:
    """Means over blocks of a map that comes tile by tile.

    Parameters
    ----------
    size : (Y, X) of the image at the scale of the network.
    stride : pixels of it per pixel of the map.
    """

    def __init__(self, size: tuple[int, int], stride: int) -> None:
        self.stride = stride
        self.blocks = tuple(max(1, round(n / (stride * BLOCK))) for n in size)  # the last one may be larger, or smaller
        self.sums: np.ndarray | None = None
        self.n = np.zeros(self.blocks)

    def add(self, values: np.ndarray, low: Sequence[int], inner: tuple[int, int, int, int]) -> None:
        """Take what lies inside `inner` (top, bottom, left, right) from (F, y, x) values that begin at `low`."""
        if self.sums is None:
            self.sums = np.zeros((*self.blocks, len(values)))
        stride, at = self.stride, []
        for axis, (start, stop) in enumerate((inner[:2], inner[2:])):
            first, last = start // stride, -(-stop // stride)
            at.append((np.arange(first, last), first - low[axis] // stride))
        (rows, y), (columns, x) = at
        part = values[:, y : y + len(rows), x : x + len(columns)]
        ends = [
            np.unique(np.minimum(i // BLOCK, n - 1), return_index=True)
            for i, n in zip((rows, columns), self.blocks, strict=True)
        ]
        part = np.add.reduceat(np.add.reduceat(part, ends[0][1], axis=1), ends[1][1], axis=2)
        where = np.ix_(ends[0][0], ends[1][0])
        self.sums[where] += np.moveaxis(part, 0, -1)
        self.n[where] += np.outer(
            *(np.diff(np.append(e[1], len(i))) for e, i in zip(ends, (rows, columns), strict=True))
        )

    def means(self) -> np.ndarray:
        """(By, Bx, F) float32; NaN where nothing was added."""
        if self.sums is None:
            return np.full((*self.blocks, 1), np.nan, np.float32)
        return np.where(self.n[..., None] > 0, self.sums / np.maximum(self.n, 1)[..., None], np.nan).astype(np.float32)


def tiles(size: tuple[int, int], tile: int) -> Iterator[tuple[int, int, int, int]]:
    """`top, bottom, left, right` of the tiles that cover (Y, X)."""
    for top in range(0, size[0], tile):
        for left in range(0, size[1], tile):
            yield top, min(top + tile, size[0]), left, min(left + tile, size[1])
