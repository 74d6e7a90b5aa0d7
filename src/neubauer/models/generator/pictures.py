"""The pictures that a finished run of a generator leaves: ways between samples, training neighbours, what looks
fake."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

from neubauer.gan.data.images import ImageSet
from neubauer.gan.games.image_gan import ImageGan
from neubauer.gan.insight import heat, nearest_neighbours
from neubauer.gan.pictures import grid, to_rgb
from neubauer.metrics.features import RandomEncoder
from neubauer.models.generator.sample import TrainedGenerator

ROWS = 6
NEIGHBOURS = 5
REFERENCES = 5000  # training images that are searched, at most


def draw_run_pictures(generator: TrainedGenerator, train: ImageSet, run: Path) -> None:
    """Write `interpolation.png`, `neighbours.png` (a sample, then the training images it resembles) and
    `fake_map.png`."""
    z = generator.latents(ROWS, seed=1)
    labels = torch.arange(ROWS) % len(generator.classes) if generator.classes else None
    samples = generator.generate(z, labels)
    between = generator.intensity.normalise(generator.interpolate(8, ROWS, seed=2).reshape(-1, *generator.shape))
    _write(run / "interpolation.png", between, 8)

    rng = np.random.default_rng(0)
    images = train.batch(rng.permutation(len(train))[:REFERENCES], rng)["image"]
    found, _ = nearest_neighbours(samples, images, RandomEncoder(images), NEIGHBOURS)
    rows = [torch.cat((sample[None], images[near])) for sample, near in zip(samples, found, strict=True)]
    _write(run / "neighbours.png", torch.cat(rows).numpy(), NEIGHBOURS + 1)

    if isinstance(generator.game, ImageGan):
        maps = heat(generator.fake_map(generator.intensity.restore(samples.numpy())))
        shown = np.moveaxis(to_rgb(samples.numpy()), -1, 1) / 127.5 - 1
        _write(run / "fake_map.png", np.stack((shown, maps), axis=1).reshape(-1, *maps.shape[1:]), 2)


def _write(file: Path, images: np.ndarray, columns: int) -> None:
    Image.fromarray(grid(images, columns)).save(file)
