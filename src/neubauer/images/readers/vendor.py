"""Microscope makers' formats (CZI, ND2, LIF) through bioio, which is an optional extra."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neubauer.errors import InputError
from neubauer.images.readers.pixel_size import micrometres
from neubauer.images.readers.registry import READERS, Reader
from neubauer.images.source import ImageSource
from neubauer.images.stack import Project, select_planes
from neubauer.images.stem import stem

# suffix -> the reader that bioio needs for it, and its licence
BIOIO = {
    ".czi": ("bioio-czi", "GPL-3.0"),
    ".nd2": ("bioio-nd2", "MIT"),
    ".lif": ("bioio-lif", "BSD-3-Clause"),
}


def open_vendor(path: Path, *, project: Project | None = None, frame: int | None = None) -> ImageSource:
    """Open a CZI, ND2 or LIF file; see `neubauer.images.read.open_image`.

    bioio gives the pixels as a dask array with axes `TCZYX` (and `S` for RGB), computed region by region, and pixel
    sizes without a unit, which are micrometres with these readers.
    """
    suffix = path.suffix.lower()
    reader, licence = BIOIO[suffix]
    try:
        from bioio import BioImage
    except ImportError as exc:
        raise InputError(
            path,
            f"a {suffix} file, and no reader for it is installed",
            f"the optional readers: pip install 'neubauer[bioio]' ({reader} has the licence {licence})",
        ) from exc
    try:
        image = BioImage(path)
        scenes, axes, data = image.scenes, image.dims.order, image.dask_data
        size, channel_names = image.physical_pixel_sizes, tuple(str(name) for name in image.channel_names)
    except Exception as exc:  # each reader has its own errors for damaged files
        raise _damaged(path, suffix, exc) from exc
    if len(scenes) > 1:
        raise InputError(path, f"{len(scenes)} images in one file: {', '.join(scenes)}", "one image per file")

    selection = select_planes(path, axes, data.shape, data.dtype, project=project, frame=frame)
    y = axes.index("Y")

    def read_plane(number: int, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        plane = np.unravel_index(number, data.shape[:y])
        return np.asarray(data[(*plane, slice(y0, y1), slice(x0, x1))]).reshape(y1 - y0, x1 - x0, -1)

    def read_region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        try:
            return selection.assemble(read_plane, y0, y1, x0, x1)
        except Exception as exc:
            raise _damaged(path, suffix, exc) from exc

    return ImageSource(
        path,
        (selection.channels, *data.shape[y : y + 2]),
        selection.result_dtype,
        read_region,
        name=stem(path),
        pixel_size_um=micrometres(size.Y, size.X, "µm") if size.Y and size.X else None,
        channel_names=channel_names,
    )


def _damaged(path: Path, suffix: str, exc: Exception) -> InputError:
    return InputError(
        path, f"a file that bioio cannot read ({' '.join(str(exc).split())})", f"a complete {suffix} file"
    )


READERS.register("bioio")(
    Reader(
        tuple(BIOIO),
        lambda path, first: path.suffix.lower() in BIOIO,
        lambda path, project, frame: open_vendor(path, project=project, frame=frame),
    )
)
