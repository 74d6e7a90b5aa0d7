"""Samples of a generator as image files."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from neubauer.errors import InputError, OutputError
from neubauer.gan.pictures import grid
from neubauer.images.write import write_image
from neubauer.models.generator.sample import TrainedGenerator

SHOWN = 256
"""Samples on the picture of them all, at most."""


def write_samples(
    generator: TrainedGenerator,
    out: Path,
    n: int,
    class_name: str | None = None,
    *,
    seed: int = 0,
    truncation: float | None = None,
) -> list[Path]:
    """Write `n` samples, each as a file named after its class, and `grid.png` with all of them.

    Parameters
    ----------
    out : folder, new or empty.
    n, class_name, seed, truncation : see `TrainedGenerator.sample`.

    Returns
    -------
    The files of the samples: PNG where it can hold them (one or three channels of integers), else TIFF.

    Raises
    ------
    InputError : the folder holds something, or see `TrainedGenerator.sample`.
    OutputError : it cannot be written to.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(out, "something that is there already", "a new or an empty folder")
    samples = generator.sample(n, class_name, seed=seed, truncation=truncation)
    suffix = "png" if samples.shape[1] in (1, 3) and samples.dtype.name in ("uint8", "uint16") else "tif"
    try:
        out.mkdir(parents=True, exist_ok=True)
        files = []
        for i, image in enumerate(samples):
            name = class_name or (generator.classes[i % len(generator.classes)] if generator.classes else "sample")
            files.append(out / f"{name}-{i:05d}.{suffix}")
            write_image(files[-1], image)
        Image.fromarray(grid(generator.intensity.normalise(samples[:SHOWN]))).save(out / "grid.png")
    except OSError as error:
        raise OutputError(f"{out}: cannot be written to ({error})") from error
    return files
