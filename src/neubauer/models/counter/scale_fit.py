"""Train the network that sees how large cells are: views of annotated images at any magnification."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from neubauer.images.normalise import normalise, percentile_limits
from neubauer.layouts.marks import marks_of_annotation
from neubauer.models.counter.augment import Augmentation, changed
from neubauer.models.counter.prepare import MIN_CELLS, cell_diameters
from neubauer.models.shared.fitting import Forward, Report, fit
from neubauer.models.shared.inputs import Annotated
from neubauer.nets.scale import BINS, LEAST, PER_OCTAVE, ScaleNet

VIEW = 128
"""Side of the views, pixels."""
BLUR = 0.75
"""Standard deviation of the target over the bins: the median of a few cells is not exact."""
NEGATIVE = 0.25
"""Share of the views that are shown as negatives."""
ENLARGED = 4.0
"""Images are not enlarged further than this."""


@dataclass(frozen=True)
class ScaleSettings:
    """Sizes and rates of the training; see `neubauer.models.counter.fit.FitSettings`."""

    steps: int = 1000
    batch: int = 24
    learning_rate: float = 3e-3
    weight_decay: float = 0.02
    average: float = 0.99
    seed: int = 0
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True)
class _Pyramid:
    """An image at scales 1, 1/2, 1/4 ...: (C, Y, X) pixels and (Y, X) where cells are; `diameter` is theirs at 1."""

    pixels: list[np.ndarray]
    cells: list[np.ndarray]
    diameter: float | None


def fit_scale(
    pairs: Sequence[Annotated],
    diameters: Sequence[float | None],
    settings: ScaleSettings,
    percentiles: tuple[float, float],
    report: Report | None = None,
) -> ScaleNet:
    """A network that tells the typical diameter of the cells it is shown.

    Parameters
    ----------
    pairs : annotated images, those without cells among them.
    diameters : typical diameter of the cells of each image, pixels; None where there is none.
    settings : of the training.
    percentiles : as of the counter.
    report : see `neubauer.models.shared.fitting.fit`.

    Returns
    -------
    ScaleNet, in evaluation mode.
    """
    images = [_pyramid(p, d, percentiles) for p, d in zip(pairs, diameters, strict=True)]
    weight = np.sqrt([max(i.pixels[0].shape[1] * i.pixels[0].shape[2], VIEW**2) for i in images])
    weight /= weight.sum()
    torch.manual_seed(settings.seed)

    def losses(forward: Forward, step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([settings.seed, step])
        drawn = rng.choice(len(images), settings.batch, p=weight)
        views, targets, present, negative = zip(*(_view(images[i], settings, rng) for i in drawn), strict=True)
        raw = forward(torch.from_numpy(np.stack(views)))
        target, cells = torch.from_numpy(np.stack(targets)), torch.from_numpy(np.stack(present))
        inverted = torch.tensor(negative).float()[:, None, None].expand_as(cells)
        target, cells, inverted = (t.to(raw.device) for t in (target, cells, inverted))
        cross = -(raw[:, : BINS + 1].log_softmax(1) * target).sum(1)
        sign = F.binary_cross_entropy_with_logits(raw[:, BINS + 1], inverted, reduction="none")
        return {"scale": cross.mean(), "sign": 0.3 * (sign * cells).sum() / cells.sum().clamp_min(1)}

    return fit(ScaleNet(pairs[0].source.shape[0]), losses, settings, report)


def typical_diameters(pairs: Sequence[Annotated]) -> list[float | None]:
    """Of each image the median diameter of its cells in pixels, or None where it has too few to say."""
    found = (cell_diameters(p.annotation) for p in pairs)
    return [float(np.median(d)) if len(d) >= MIN_CELLS else None for d in found]


def _pyramid(pair: Annotated, diameter: float | None, percentiles: tuple[float, float]) -> _Pyramid:
    pixels = normalise(pair.source.read(), percentile_limits(pair.source, *percentiles))
    marks = marks_of_annotation(pair.annotation, pixels.shape[1:], diameter or 1.0)
    cells = (marks.labels > 0).astype(np.float32)
    levels = [(pixels, cells)]
    while min(levels[-1][1].shape) >= VIEW:
        fine = [torch.from_numpy(a).reshape(1, -1, *a.shape[-2:]) for a in levels[-1]]
        coarse = F.avg_pool2d(fine[0], 2)[0].numpy(), F.max_pool2d(fine[1], 2)[0, 0].numpy()
        levels.append(coarse)
    return _Pyramid([p.astype(np.float16) for p, _ in levels], [c for _, c in levels], diameter)


def _view(
    image: _Pyramid, settings: ScaleSettings, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, bool]:
    """Pixels (C, VIEW, VIEW), target (BINS + 1, n, n), where there are cells (n, n), and whether it is a negative."""
    known = image.diameter if image.diameter is not None else float(rng.uniform(8, 60))
    low = max(LEAST, known / 2 ** len(image.pixels))
    high = min(LEAST * 2 ** ((BINS - 1) / PER_OCTAVE), ENLARGED * known)
    wanted = math.exp(rng.uniform(*np.log([low, max(high, low * 1.01)])))
    zoom = wanted / known
    level = int(np.clip(math.floor(-math.log2(zoom)), 0, len(image.pixels) - 1))
    pixels, cells = image.pixels[level], image.cells[level]
    zoom *= 2**level
    size = np.array(cells.shape)
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else rng.integers(4) * np.pi / 2
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag(
        [1, rng.choice([-1, 1])]
    )
    reach = np.maximum(size - VIEW / zoom, 0) / 2
    middle = rng.uniform(-reach, reach)
    theta = np.diag(2 / size[::-1]) @ (turn / zoom) * (VIEW / 2)
    grid = F.affine_grid(
        torch.from_numpy(np.column_stack([theta, 2 * middle[::-1] / size[::-1]])[None]).float(),
        [1, 1, VIEW, VIEW],
        align_corners=False,
    )
    seen = F.grid_sample(torch.from_numpy(pixels)[None].float(), grid, align_corners=False)[0].numpy()
    stack = torch.from_numpy(np.stack([cells, np.ones_like(cells)]))[None]
    marked, inside = F.grid_sample(stack, grid, mode="nearest", align_corners=False)[0]
    seen = changed(seen, marked.numpy() > 0, settings.augmentation, rng)
    negative = bool(rng.random() < NEGATIVE)
    seen = np.where(inside.numpy() > 0, 1 - seen if negative else seen, 0)
    n = VIEW // ScaleNet.stride
    coarse = F.max_pool2d(marked[None, None], ScaleNet.stride)
    present = F.max_pool2d(coarse, 3, 1, 1)[0, 0].numpy() > 0  # the network sees its surroundings, too
    target = np.zeros((BINS + 1, n, n), np.float32)
    if image.diameter is not None:
        place = PER_OCTAVE * math.log2(wanted / LEAST)
        bins = np.exp(-((np.arange(BINS) - place) ** 2) / (2 * BLUR**2))
        target[:BINS] = (bins / bins.sum())[:, None, None] * present
    target[BINS] = ~present  # nothing is asked where there are cells, but too few to say how large they are
    usable = present if image.diameter is not None else np.zeros_like(present)
    return seen.astype(np.float32), target, usable.astype(np.float32), negative
