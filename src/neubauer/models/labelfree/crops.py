"""Training images without annotations: drawn ones, painted ones, and real ones with the labels that a network found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from neubauer.cells.annotation import Annotation
from neubauer.images.normalise import normalise, percentile_limits
from neubauer.images.read import ImageSource
from neubauer.images.resample import resample_region
from neubauer.layouts.decode import Thresholds
from neubauer.layouts.marks import from_labels
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.spec import STRIDE, LayoutSpec
from neubauer.models.counter.crops import TrainingImage
from neubauer.models.counter.layout import Layout, predict_layout, scaled_shape
from neubauer.models.counter.objects import Objects, find_objects, full_labels
from neubauer.models.labelfree.simulate import Paint, synthetic_images
from neubauer.models.shared.inputs import Annotated
from neubauer.nets.unet import LayoutNet

WINDOW = 1024
"""Of larger images only so many pixels, at the scale of the layout, are trained on."""
DOUBT = (0.25, 0.75)
"""Foreground probabilities between these are not learnt from."""


@dataclass(frozen=True)
class Found:
    """What a network found in a real image: at the scale of the layout, `labels` (Y, X) of the objects."""

    layout: Layout
    objects: Objects
    labels: np.ndarray


def scaled_pixels(
    source: ImageSource, spec: LayoutSpec, diameter: float, percentiles: tuple[float, float]
) -> np.ndarray:
    """(C, Y, X) float32, normalised, with cells of `diameter` pixels at the size of the layout; the middle `WINDOW`
    pixels of larger images."""
    limits = percentile_limits(source, *percentiles)
    shape = source.shape[1:]
    scale = spec.diameter / diameter
    size = scaled_shape((shape[0], shape[1]), scale)
    low = [max(0, (n - WINDOW) // 2) for n in size]
    high = [min(n, a + WINDOW) for n, a in zip(size, low, strict=True)]

    def read(top: int, bottom: int, left: int, right: int) -> np.ndarray:
        return normalise(source.region(top, bottom, left, right), limits)

    return resample_region(read, (shape[0], shape[1]), scale, low[0], high[0], low[1], high[1])


def simulated(population: Population, paint: Paint, n: int, side: int, seed: int) -> list[TrainingImage]:
    """`n` simulated images; in every other one rare kinds of cells are more frequent than they are."""
    common = synthetic_images(population, paint, n - n // 2, side, seed)
    return common + synthetic_images(population.balanced(), paint, n // 2, side, seed + 1)


def source_of(pixels: np.ndarray, name: str = "crop") -> ImageSource:
    """An image in memory, (C, Y, X)."""
    c, y, x = pixels.shape

    def read(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        return pixels[:, y0:y1, x0:x1].copy()

    return ImageSource(Path(name), (c, y, x), pixels.dtype, read, name=name)


def as_annotated(image: TrainingImage, classes: tuple[str, ...], index: int) -> Annotated:
    """A simulated image with its masks, as if a person had annotated it."""
    marks = image.marks
    labels = marks.labels.astype(np.int32)
    annotation = Annotation("masks", labels.shape, classes, marks.class_index, marks.centres, labels=labels)
    return Annotated(source_of(image.pixels.astype(np.float32), f"simulated-{index}"), annotation)


def find(network: LayoutNet, spec: LayoutSpec, pixels: np.ndarray, thresholds: Thresholds) -> Found:
    """Objects of an image (C, Y, X) that is normalised and scaled already; the mean over its four mirror images."""
    limits = np.tile(np.array([0.0, 1.0], np.float32), (len(pixels), 1))
    layouts = []
    for flip in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        turned = np.ascontiguousarray(pixels[:, :: flip[0], :: flip[1]])
        layouts.append(_turn(predict_layout(network, spec, source_of(turned), limits, 1.0), flip))
    layout = replace(
        layouts[0],
        maps=np.mean([p.maps.astype(np.float32) for p in layouts], 0).astype(np.float16),
        class_probability=np.mean([p.class_probability for p in layouts], 0).round().astype(np.uint8),
        density_sums=np.mean([p.density_sums for p in layouts], 0),
    )
    objects = find_objects(layout, thresholds, spec.diameter)
    return Found(layout, objects, full_labels(objects, layout))


def _turn(layout: Layout, flip: tuple[int, int]) -> Layout:
    """The layout of a mirrored image, mirrored back."""
    maps = layout.maps[:, :: flip[0], :: flip[1]].copy()
    maps[1] *= flip[0]
    maps[2] *= flip[1]
    return replace(layout, maps=maps, class_probability=layout.class_probability[:, :: flip[0], :: flip[1]])


def pseudo_labelled(
    pixels: np.ndarray, found: Found, thresholds: Thresholds, least: np.ndarray, doubt: float = 0.5
) -> TrainingImage:
    """A real image with what a network found in it; where the network was not sure the image is not learnt from.

    Parameters
    ----------
    pixels : (C, Y, X) at the scale of the layout.
    found : what the network found with `thresholds`.
    thresholds : objects above them are taken for cells.
    least : (K,) area in square pixels; smaller cells at the border of the image are not counted.
    doubt : peaks above this share of their threshold that are no objects, and their surroundings, are ignored.
    """
    objects, layout = found.objects, found.layout
    shape = pixels.shape[1:]
    front = _enlarged(layout.foreground.astype(np.float32), shape)
    labels = found.labels.copy()
    unsure = (front > DOUBT[0]) & (front < DOUBT[1])
    index = objects.class_index
    ignore = np.zeros(shape, bool)
    # foreground that belongs to no object: a cell that was not recognised, or none
    ignore |= (front >= DOUBT[1]) & (labels == 0)
    peaks = _enlarged(layout.centre.astype(np.float32), shape)
    ignore |= (peaks > doubt * min(thresholds.centre)) & (labels == 0)
    border = np.unique(np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]]))
    area = np.bincount(labels.ravel(), minlength=len(index) + 1)
    uncounted = [i for i in border if i > 0 and area[i] < least[index[i - 1]]]
    labels[np.isin(labels, uncounted)] = 0
    marks = from_labels(labels, index, unsure, ignore)
    return TrainingImage(pixels.astype(np.float16), marks, True)


def _enlarged(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return values.repeat(STRIDE, 0).repeat(STRIDE, 1)[: shape[0], : shape[1]]


def mixed(drawn: Sequence[TrainingImage], real: Sequence[TrainingImage], share: float) -> list[TrainingImage]:
    """Both lists, repeated so that about `share` of the crops come from the second one."""
    if not real:
        return list(drawn)

    def weight(images: Sequence[TrainingImage]) -> float:
        return float(sum(np.sqrt(i.pixels.shape[1] * i.pixels.shape[2]) for i in images))

    ratio = weight(drawn) / weight(real) * share / (1 - share)
    if ratio >= 1:
        return [*drawn, *list(real) * round(ratio)]
    return [*list(drawn) * round(1 / ratio), *real]
