"""From a file of many planes (channels, depth, time ...) to one image: a clear choice instead of a guess."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from neubauer.errors import InputError

Project = Literal["max", "mean", "sum", "min"]
PROJECTIONS = ("max", "mean", "sum", "min")
CHANNEL_AXES = "CS"

# (plane number, y0, y1, x0, x1) -> (y1 - y0, x1 - x0, samples)
ReadPlane = Callable[[int, int, int, int, int], np.ndarray]


@dataclass(frozen=True)
class Selection:
    """Which planes of a file make up the image.

    Attributes
    ----------
    planes : (channels, depth) numbers of planes, in file order; `depth` planes are projected to one.
    samples : channels that are interleaved in each plane (3 for RGB), of which the first `samples` are taken.
    project : how `depth` planes become one; None where depth is 1.
    dtype : of the planes.
    """

    planes: np.ndarray
    samples: int
    project: Project | None
    dtype: np.dtype

    @property
    def channels(self) -> int:
        return len(self.planes) * self.samples

    @property
    def result_dtype(self) -> np.dtype:
        """Native dtype of the image: a mean or a sum is a float, a 1-bit image is 0 and 255."""
        if self.dtype.kind == "b":
            return np.dtype(np.uint8)
        dtype = self.dtype.newbyteorder("=")
        return np.result_type(dtype, np.float32) if self.project in ("mean", "sum") else dtype

    def assemble(self, read_plane: ReadPlane, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        """(C, y1 - y0, x1 - x0) pixels, one plane in memory at a time."""
        out = np.empty((len(self.planes), self.samples, y1 - y0, x1 - x0), self.result_dtype)
        for target, numbers in zip(out, self.planes, strict=True):
            first, *others = (int(n) for n in numbers)
            image = self._plane(read_plane, first, y0, y1, x0, x1)
            if others and self.project in ("mean", "sum"):
                image = image.astype(np.float64)
            for number in others:
                plane = self._plane(read_plane, number, y0, y1, x0, x1)
                if self.project == "max":
                    image = np.maximum(image, plane)
                elif self.project == "min":
                    image = np.minimum(image, plane)
                else:
                    image += plane
            target[:] = image / len(numbers) if self.project == "mean" else image
        return out.reshape(self.channels, y1 - y0, x1 - x0)

    def _plane(self, read_plane: ReadPlane, number: int, y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        plane = np.moveaxis(read_plane(number, y0, y1, x0, x1)[..., : self.samples], -1, 0)
        return plane.astype(np.uint8) * np.uint8(255) if self.dtype.kind == "b" else plane


def select_planes(
    path: Path,
    axes: str,
    shape: tuple[int, ...],
    dtype: np.dtype,
    *,
    project: Project | None,
    frame: int | None,
    has_alpha: bool = False,
) -> Selection:
    """Choose the planes of one image among all that a file holds.

    Channels (axes `C` and `S`) are kept. Every other axis longer than 1 is a stack: `frame` picks an index along
    the first of them, `project` reduces those that are left. A file without a stack needs neither and ignores both.

    Parameters
    ----------
    path : for messages.
    axes : one letter per axis of the file, e.g. `"TZCYXS"`; a plane is what lies at and behind `Y`.
    shape : length of each axis.
    dtype : of the pixels.
    project : reduction over the stack.
    frame : index into the stack, from 0.
    has_alpha : the last sample is opacity and is left out.

    Raises
    ------
    InputError : the file is a stack and the choice is missing, incomplete or out of range, or its axes are not
        those of an image.
    """
    y = axes.find("Y")
    if y < 0 or axes[y : y + 2] != "YX":
        raise InputError(path, f"axes {axes} of lengths {shape}", "axes with X right behind Y")
    if any(axis not in CHANNEL_AXES and n > 1 for axis, n in zip(axes[y + 2 :], shape[y + 2 :], strict=True)):
        raise InputError(path, f"axes {axes} of lengths {shape}", "only channels behind X")
    if 0 in shape:
        raise InputError(path, f"an image without pixels ({axes} of lengths {shape})", "at least one pixel")
    if dtype.kind not in "buif":
        raise InputError(path, f"pixels of type {dtype}", "integers or real floating-point numbers")

    numbers = np.arange(math.prod(shape[:y])).reshape(shape[:y])
    samples = math.prod(shape[y + 2 :])
    if has_alpha and "S" in axes[:y]:
        s = axes.index("S")
        numbers = numbers.take(range(shape[s] - 1), axis=s)
    elif has_alpha and samples > 1:
        samples -= 1

    kept = [i for i in range(y) if axes[i] in CHANNEL_AXES]
    stack = [i for i in range(y) if i not in kept and shape[i] > 1]
    dropped = [i for i in range(y) if i not in kept and shape[i] == 1]
    channels = math.prod(numbers.shape[i] for i in kept)
    length = shape[stack[0]] if stack else 1
    numbers = numbers.transpose(*kept, *stack, *dropped).reshape(channels, length, -1)
    if not stack:
        return Selection(numbers[:, 0], samples, None, dtype)

    first, *others = (axes[i] for i in stack)
    found = f"a stack ({', '.join(f'{axes[i]}: {shape[i]}' for i in stack)}; axes {axes})"
    if others and (frame is None or project is None):
        rest = " and ".join(others)
        raise InputError(path, found, f"a choice: --frame N along {first} together with --project max over {rest}")
    if project is None and frame is None:
        hint = "; if these are channels, save them with axes CYX, as OME-TIFF does" if first in "QI" else ""
        raise InputError(path, found, f"a choice: --project max (or mean, sum, min) or --frame N{hint}")
    if frame is not None:
        if not 0 <= frame < length:
            raise InputError(path, f"{found}, asked for frame {frame}", f"a frame from 0 to {length - 1}")
        numbers = numbers[:, frame]
    numbers = numbers.reshape(channels, -1)
    return Selection(numbers, samples, project if numbers.shape[1] > 1 else None, dtype)
