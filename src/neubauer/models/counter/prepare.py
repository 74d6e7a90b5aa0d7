"""Split, scale and normalise annotated images for training."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.spatial import cKDTree

from neubauer.cells.annotation import Annotation
from neubauer.errors import InputError
from neubauer.images.normalise import normalise, percentile_limits
from neubauer.images.resample import resample_region
from neubauer.layouts.marks import marks_of_annotation
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.crops import TrainingImage
from neubauer.models.counter.layout import scaled_shape
from neubauer.models.shared.inputs import Annotated

ONE_SCALE = 0.25
"""If the typical diameters of the images differ less than this (standard deviation of the logarithm), they are of one
magnification and share one scale; otherwise each image is scaled by its own."""
MIN_CELLS = 3
"""An image with fewer cells does not say how large its cells typically are."""


def split(
    pairs: Sequence[Annotated], share: float, seed: int, groups: Sequence[str] | None = None
) -> tuple[list[Annotated], list[Annotated]]:
    """Training and validation images, drawn at random; at least one of each.

    Images of one group (the same slide, patient or field) stay together.

    Raises
    ------
    InputError : fewer than two images or groups, or another number of groups than of images.
    """
    if groups is not None and len(groups) != len(pairs):
        raise InputError("groups", str(len(groups)), f"one for each of the {len(pairs)} images")
    members: dict[str, list[int]] = {}
    for i in range(len(pairs)):
        members.setdefault(groups[i] if groups is not None else str(i), []).append(i)
    if len(members) < 2:
        what = "annotated images" if groups is None else "groups of annotated images"
        raise InputError(what, str(len(members)), "at least 2: one to train on, one to check with")
    names = sorted(members)
    np.random.default_rng(seed).shuffle(names)
    wanted = min(max(1, round(share * len(pairs))), len(pairs) - 1)
    held_out: set[int] = set()
    for name in names[:-1]:
        if len(held_out) >= wanted:
            break
        held_out.update(members[name])
    return (
        [p for i, p in enumerate(pairs) if i not in held_out],
        [p for i, p in enumerate(pairs) if i in held_out],
    )


def cell_diameters(annotation: Annotation) -> np.ndarray:
    """(N,) diameters in pixels: of the disc of the same area for masks, mean side for boxes; empty for points."""
    if annotation.labels is not None:
        area = np.bincount(annotation.labels.ravel())[1:]
        return 2 * np.sqrt(area[area > 0] / np.pi)
    if annotation.boxes is not None:
        return (annotation.boxes[:, 2:] - annotation.boxes[:, :2]).mean(1)
    return np.zeros(0)


def annotated_diameters(
    pairs: Sequence[Annotated], given: float | None
) -> tuple[float, dict[int, float], tuple[float, float]]:
    """Typical diameter of all images, that by which each is scaled (by `id` of the pair), and the range of the latter.

    Raises
    ------
    InputError : there is no cell in any image.
    """
    found = {id(p): cell_diameters(p.annotation) for p in pairs}
    every = np.concatenate(list(found.values()))
    if given is not None:
        return given, dict.fromkeys(found, given), (given, given)
    if not len(every):
        distances = [_neighbour_distance(p.annotation.centres) for p in pairs if len(p.annotation) > 1]
        if not distances:
            raise InputError("annotations", "no cell in any image", "images with cells, or the diameter of the cells")
        typical = float(np.median(np.concatenate(distances)))
        return typical, dict.fromkeys(found, typical), (typical, typical)
    typical = float(np.median(every))
    medians = {key: float(np.median(d)) for key, d in found.items() if len(d) >= MIN_CELLS}
    logs = np.log(list(medians.values())) if medians else np.zeros(1)
    if logs.std() < ONE_SCALE:
        return typical, dict.fromkeys(found, typical), (typical, typical)
    per_image = {key: medians.get(key, typical) for key in found}
    low, high = (float(math.exp(q)) for q in np.quantile(logs, [0.01, 0.99]))
    return typical, per_image, (low, high)


def training_image(
    pair: Annotated, spec: LayoutSpec, diameter: float, percentiles: tuple[float, float]
) -> TrainingImage:
    """The image and its marks at the scale of the layout."""
    source = pair.source
    scale = spec.diameter / diameter
    shape = source.shape[1:]
    size = scaled_shape(shape, scale)
    limits = percentile_limits(source, *percentiles)

    def read(top: int, bottom: int, left: int, right: int) -> np.ndarray:
        return normalise(source.region(top, bottom, left, right), limits)

    pixels = resample_region(read, shape, scale, 0, size[0], 0, size[1])
    marks = marks_of_annotation(pair.annotation, size, spec.diameter)
    return TrainingImage(pixels.astype(np.float16), marks, pair.annotation.kind == "masks")


def _neighbour_distance(centres: np.ndarray) -> np.ndarray:
    return cKDTree(centres).query(centres, k=2)[0][:, 1]
