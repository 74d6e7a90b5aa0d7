"""How good is a translator on images that it was not trained on?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from neubauer.gan.data.images import IntensityRange
from neubauer.images.find import find_images
from neubauer.images.read import open_image
from neubauer.images.source import ImageSource
from neubauer.metrics.features import RandomEncoder
from neubauer.metrics.generation import frechet_distance, kernel_distance
from neubauer.models.translator.gate import Drift, Gate, total_drift
from neubauer.models.translator.predict import TrainedTranslator

SIDE = 64
"""Of the crops that are compared, pixels."""
CROPS = 400
"""Crops of each kind."""


def evaluate_translator(
    translator: TrainedTranslator, images: str | Path, gate: Gate, *, way: str = "a2b", target: str | Path | None = None
) -> tuple[dict[str, float], list[Drift]]:
    """Cells kept, lost and invented; and with `target` the distance of translations and of originals from real images.

    Parameters
    ----------
    images : folder, file or glob of images to translate.
    gate : what counts.
    way : direction of the translation.
    target : real images of the other kind.

    Returns
    -------
    scores : `cells`, `kept`, `lost`, `invented` (shares of the cells before), `drift`, `flagged` (share of the images);
        and `kernel_distance`, `frechet_distance`, and the same with `_before`, in the features of an untrained
        encoder of crops of 64 x 64 pixels.
    drifts : what happened in each image.

    Raises
    ------
    InputError : an image cannot be used.
    """
    files = find_images([str(images)])
    drifts = gate.check_all(translator, files, way)
    return scores_of(drifts) | ({} if target is None else distances(translator, files, target, way)), drifts


def scores_of(drifts: Sequence[Drift]) -> dict[str, float]:
    """What happened to the cells of all images together, see `evaluate_translator`."""
    cells = max(sum(d.before for d in drifts), 1)
    return {
        "cells": float(sum(d.before for d in drifts)),
        "kept": sum(d.kept for d in drifts) / cells,
        "lost": sum(d.lost for d in drifts) / cells,
        "invented": sum(d.invented for d in drifts) / cells,
        "drift": total_drift(drifts),
        "flagged": float(np.mean([bool(d.flag) for d in drifts])),
    }


def distances(
    translator: TrainedTranslator, files: Sequence[Path], target: str | Path, way: str = "a2b"
) -> dict[str, float]:
    """How far translations, and the images as they were, are from real images of the other kind.

    Raises
    ------
    InputError : an image cannot be used.
    """
    sources, scores = [open_image(path) for path in files], {}
    real = _crops([open_image(path) for path in find_images([str(target)])], 0)
    made = _crops([translator.source(source, way) for source in sources], 1)
    intensity = IntensityRange.of(real)
    encoder = RandomEncoder(torch.from_numpy(intensity.normalise(real)))
    features = encoder(torch.from_numpy(intensity.normalise(real)))
    shown = {"": made}
    if sources[0].shape[0] == real.shape[1]:
        shown["_before"] = _crops(sources, 1)
    for name, crops in shown.items():
        found = encoder(torch.from_numpy(intensity.normalise(crops)))
        scores[f"kernel_distance{name}"] = kernel_distance(features, found)
        scores[f"frechet_distance{name}"] = frechet_distance(features, found)
    return scores


def _crops(sources: list[ImageSource], seed: int) -> np.ndarray:
    """(N, C, 64, 64) at random places, mirrored beyond the edges of small images."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(CROPS):
        source = sources[int(rng.integers(len(sources)))]
        top, left = (int(rng.integers(max(n - SIDE, 0) + 1)) for n in source.shape[1:])
        pixels = source.region(top, min(top + SIDE, source.shape[1]), left, min(left + SIDE, source.shape[2]))
        found.append(np.pad(pixels, [(0, 0), *((0, SIDE - n) for n in pixels.shape[1:])], mode="symmetric"))
    return np.stack(found)
