"""Labelled synthetic images as files, for training any detector or segmenter."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neubauer.cells.measure import measure
from neubauer.cells.table import Cells
from neubauer.errors import InputError, OutputError
from neubauer.images.normalise import normalise, percentile_limits
from neubauer.images.read import ImageSource
from neubauer.layouts.simulator.appearance import Appearance
from neubauer.layouts.simulator.estimate import estimate
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.simulator.scale import diameters, measure_scale
from neubauer.layouts.simulator.simulate import Scene, simulate
from neubauer.models.labelfree.simulate import Paint, procedural

MOST_IMAGES = 60
"""Images that a simulator is fitted to, at most."""
WINDOW = 1024
"""Only the middle of larger images is looked at."""


@dataclass(frozen=True)
class Depth:
    """What normalised intensities are in files.

    Attributes
    ----------
    limits : (C, 2) values of 0 and 1.
    dtype : of the pixels.
    """

    limits: np.ndarray
    dtype: np.dtype

    def restore(self, pixels: np.ndarray) -> np.ndarray:
        """(C, Y, X) normalised -> pixels of the data type."""
        low, high = self.limits[:, :1, None], self.limits[:, 1:, None]
        values = pixels.astype(np.float64) * (high - low) + low
        if self.dtype.kind == "f":
            return values.astype(self.dtype)
        info = np.iinfo(self.dtype)
        return np.clip(np.round(values), info.min, info.max).astype(self.dtype)


@dataclass(frozen=True)
class SyntheticSource:
    """What makes labelled images.

    Attributes
    ----------
    population : that cells are drawn from.
    paint : scene to image.
    depth : of the files.
    """

    population: Population
    paint: Paint
    depth: Depth


def source_of_appearance(population: Population, appearance: Appearance, depth: Depth | None = None) -> SyntheticSource:
    """Images by drawing; of 8 bits where `depth` does not say otherwise."""
    if depth is None:
        depth = Depth(np.tile([5.0, 245.0], (appearance.channels, 1)), np.dtype(np.uint8))
    return SyntheticSource(population, procedural(population, appearance), depth)


def source_like(
    sources: Sequence[ImageSource], population: Population, appearance: Appearance, diameter: float | None
) -> tuple[SyntheticSource, tuple[str, ...]]:
    """Images by drawing, with the simulator fitted to unlabelled images; and what to be warned of.

    Parameters
    ----------
    sources : all of the same number of channels.
    population, appearance : what is assumed where the images do not say.
    diameter : typical cell diameter in their pixels; by default that of `population`.

    Raises
    ------
    InputError : see `estimate`.
    """
    images, limits = [], []
    for source in sources[:MOST_IMAGES]:
        limits.append(percentile_limits(source))
        images.append(normalise(source.middle(WINDOW), limits[-1]))
    found = estimate(images, population, appearance, diameter=diameter)
    scales = [measure_scale(image, found.population.background == "dark") for image in images]
    _, doubts = diameters(scales, found.population.typical_diameter)
    depth = Depth(np.median(limits, 0), sources[0].dtype)
    return source_of_appearance(found.population, found.appearance, depth), (*found.warnings, *doubts)


def write_synthetic_set(
    source: SyntheticSource,
    out: Path,
    n: int,
    seed: int,
    side: int = 512,
    report: Callable[[int], object] = lambda done: None,
) -> dict[str, object]:
    """Write `n` images with all their labels.

    `images/NAME.png` (or `.tif`), `masks/NAME_masks.tif` (instance labels, int32), `labels/NAME.txt` (YOLO boxes) with
    `classes.txt`, `points/NAME.csv` (`y,x,class`), and `coco.json` (boxes and polygons of all images). Image i depends
    on `seed` and i alone.

    Parameters
    ----------
    source : what makes them.
    out : folder, new or empty.
    n : number of images.
    seed : of everything.
    side : of the images, pixels.
    report : called with the number of images done.

    Returns
    -------
    Number of images and of the cells of each class, and the paths.

    Raises
    ------
    InputError : the folder holds something.
    OutputError : it cannot be written to.
    """
    from neubauer.cells.write.coco import write_coco
    from neubauer.cells.write.yolo import write_class_list

    check_new(out)
    try:
        for folder in ("images", "masks", "labels", "points"):
            (out / folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{out}: cannot be made ({error.strerror or error})") from error
    classes = source.population.classes
    # PNG holds one or three channels of integers; everything else needs TIFF
    plain = len(source.depth.limits) in (1, 3) and source.depth.dtype.name in ("uint8", "uint16")
    suffix = "png" if plain else "tif"
    counts = np.zeros(len(classes), np.int64)

    def made() -> Iterator[Cells]:
        for i in range(n):
            rng = np.random.default_rng([seed, i])
            scene = simulate(source.population, (side, side), rng)
            cells = cells_of(scene, classes, f"synthetic-{i:05d}")
            _write(source, scene, cells, out, suffix, rng)
            counts[:] += np.bincount(scene.class_index, minlength=len(classes))
            report(i + 1)
            yield cells

    names = {f"synthetic-{i:05d}": f"synthetic-{i:05d}.{suffix}" for i in range(n)}
    write_coco(out / "coco.json", made(), classes, names)
    write_class_list(out / "classes.txt", classes)
    return {
        "images": n,
        "cells": {name: int(k) for name, k in zip(classes, counts, strict=True)},
        "out": str(out),
        "coco": str(out / "coco.json"),
        "classes": str(out / "classes.txt"),
    }


def check_new(out: Path) -> None:
    """Raise InputError if the folder holds something."""
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "something that is there already", "a new or an empty folder")


def cells_of(scene: Scene, classes: Sequence[str], name: str) -> Cells:
    """A scene as the table of its cells."""
    labels = scene.labels.astype(np.int32)
    table = measure(labels)
    table.insert(0, "image", name)
    table.insert(2, "class", [classes[k] for k in scene.class_index[table["label"].to_numpy() - 1]])
    return Cells(table, tuple(classes), name, (labels.shape[0], labels.shape[1]), labels)


def _write(
    source: SyntheticSource, scene: Scene, cells: Cells, out: Path, suffix: str, rng: np.random.Generator
) -> None:
    from neubauer.cells.write.yolo import write_yolo
    from neubauer.images.write import atomic_path, write_image, write_labels

    assert cells.labels is not None
    write_image(out / "images" / f"{cells.image}.{suffix}", source.depth.restore(source.paint(scene, rng)))
    write_labels(out / "masks" / f"{cells.image}_masks.tif", cells.labels)
    write_yolo(out / "labels" / f"{cells.image}.txt", cells, cells.classes)
    points = cells.table[["centroid-0", "centroid-1", "class"]].round(3)
    with atomic_path(out / "points" / f"{cells.image}.csv") as temporary:
        points.to_csv(temporary, index=False, header=["y", "x", "class"])
