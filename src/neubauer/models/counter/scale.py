"""How large are the cells of this image, are there any, and is it a negative? From a few views of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from neubauer.images.normalise import normalise
from neubauer.images.resample import resample_region
from neubauer.images.source import ImageSource
from neubauer.models.counter.layout import scaled_shape
from neubauer.nets.scale import BINS, LEAST, PER_OCTAVE, ScaleNet

SIDE = 256
"""Side of the windows that are looked at, pixels of the view."""
OCTAVES = 2
"""Between two views; each covers more than four octaves of diameters."""
WINDOWS = (0.5, 0.2, 0.8)
"""Where on the diagonal of an image that is larger than a window it is looked at."""


@dataclass(frozen=True)
class Look:
    """What a few views of an image tell.

    Attributes
    ----------
    diameter : typical cell diameter, pixels of the image; None where no cell is seen.
    cells : share of what was looked at in which cells are seen, 0 to 1.
    negative : probability that cells are dark where they should be bright, or the other way round.
    """

    diameter: float | None
    cells: float
    negative: float


def look_at(network: ScaleNet, source: ImageSource, limits: np.ndarray) -> Look:
    """Look at an image at two or three magnifications.

    Every part of a view tells how probable each diameter is; they are added up, each weighted by how probably there is
    a cell at all, and the diameter is the middle of the highest peak.

    Parameters
    ----------
    network : in evaluation mode.
    source : the image.
    limits : (C, 2) intensities that become 0 and 1.
    """
    shape = source.shape[1:]
    lowest = max(0, math.ceil(math.log2(max(min(shape) / SIDE, 1)) / OCTAVES))
    bins = BINS + OCTAVES * PER_OCTAVE * lowest
    evidence, places, negative, weight = np.zeros(bins), 0, 0.0, 0.0
    seen = 0.0
    for view in range(lowest + 1):
        scale = 2.0 ** (-OCTAVES * view)
        probability, sign = _view(network, source, limits, scale)
        there = 1 - probability[:, BINS]
        start = OCTAVES * PER_OCTAVE * view
        evidence[start : start + BINS] += probability[:, :BINS].mean(0)
        seen = max(seen, float(there.mean()))
        negative += float((there * sign).sum())
        weight += float(there.sum())
        places += len(there)
    peak = int(evidence.argmax())
    near = np.arange(max(0, peak - 2), min(bins, peak + 3))
    if evidence[near].sum() < 0.02 or weight <= 0:
        return Look(None, seen, negative / max(weight, 1e-9))
    place = float((evidence[near] * near).sum() / evidence[near].sum())
    return Look(LEAST * 2 ** (place / PER_OCTAVE), seen, negative / weight)


def _view(network: ScaleNet, source: ImageSource, limits: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """(N, BINS + 1) probabilities and (N,) of being a negative, for the places of the windows of one view."""
    shape = source.shape[1:]
    size = scaled_shape(shape, scale)

    def read(top: int, bottom: int, left: int, right: int) -> np.ndarray:
        return normalise(source.region(top, bottom, left, right), limits)

    whole = max(size) <= 1.5 * SIDE
    rows, signs = [], []
    for place in WINDOWS[:1] if whole else WINDOWS:
        y, x = (0, 0) if whole else (max(0, int(place * (n - SIDE))) for n in size)
        bottom, right = (n if whole else min(at + SIDE, n) for at, n in zip((y, x), size, strict=True))
        pixels = resample_region(read, shape, scale, y, bottom, x, right)
        height, width = pixels.shape[1:]
        padded = [-(-n // network.stride) * network.stride for n in (height, width)]
        canvas = np.zeros((1, len(pixels), *padded), np.float32)
        canvas[0, :, :height, :width] = pixels
        device = next(network.parameters()).device
        with torch.inference_mode():
            raw = network(torch.from_numpy(canvas).to(device, memory_format=torch.channels_last))[0].float().cpu()
        # a place of which less than a half is image says little
        n = [max(1, round(k / network.stride)) for k in (height, width)]
        raw = raw[:, : n[0], : n[1]].reshape(len(raw), -1)
        rows.append(raw[: BINS + 1].softmax(0).T.numpy())
        signs.append(raw[BINS + 1].sigmoid().numpy())
    return np.concatenate(rows), np.concatenate(signs)
