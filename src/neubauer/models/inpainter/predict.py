"""An inpainter that is trained: an image with holes to one without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Self

import numpy as np
import torch

from neubauer.errors import InputError, NeubauerError
from neubauer.gan.config.base import validate
from neubauer.gan.config.inpainting import InpaintingConfig
from neubauer.gan.data.images import IntensityRange
from neubauer.gan.training.checkpoint import module_tensors, restore_module
from neubauer.gan.training.machine import bfloat16_is_fast
from neubauer.gan.training.report import Report
from neubauer.images.fill import continued, put
from neubauer.images.holes import check_holes
from neubauer.images.source import ImageSource
from neubauer.models.shared.inputs import ImageLike, as_source, same_numbers
from neubauer.nets.blocks import channels_last
from neubauer.nets.inpainting import InpaintingNet
from neubauer.nets.store import load_model, save_model

KIND = "inpainter"
TURNS = 8
"""Mirrorings and quarter turns, in which completions differ."""


class TrainedInpainter:
    """Fills in holes in images, and says how sure it is.

    Attributes
    ----------
    config : the recipe with everything filled in.
    channels : C of the images.
    report : how training went (None for a loaded model).
    """

    def __init__(self, config: InpaintingConfig) -> None:
        self.config = config
        self.report: Report | None = None
        self.channels = 0
        self._network: InpaintingNet | None = None

    def set(self, network: InpaintingNet, channels: int, intensity: IntensityRange) -> None:
        """Take over a trained network, for images of so many channels and these intensities."""
        self._network = channels_last(network.eval().requires_grad_(False).cpu())
        self.channels, self.intensity = channels, intensity

    @property
    def network(self) -> InpaintingNet:
        """The network; raises NeubauerError before `fit` or `load`."""
        if self._network is None:
            raise NeubauerError("this Inpainter is not fitted: call fit() or Inpainter.load() first")
        return self._network

    def predict(
        self, image: ImageLike, holes: np.ndarray, *, samples: int = 4, tile: int = 512
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fill in the holes of an image of any size.

        Parameters
        ----------
        image : file, array or source.
        holes : (Y, X), true in holes; pixels that are NaN or infinite are holes, too.
        samples : completions, each of the image turned or mirrored otherwise (1 to 8).
        tile : side of the tiles, pixels, of which only what is around holes is computed. Memory depends on it, the
            result does not, as long as holes are no wider than what the network can see.

        Returns
        -------
        repaired : (C, Y, X) in the data type of the image: the mean of the completions in holes, elsewhere bit for bit
            the image.
        uncertainty : (Y, X) float32, standard deviation of the completions in units of the image, the mean over
            channels; 0 outside of holes.

        Raises
        ------
        InputError : not an image, other channels or data type than the training images had, holes of another size or
            all over the image, or a number of samples out of range.
        NeubauerError : not fitted.
        """
        network = self.network
        if not 1 <= samples <= TURNS:
            raise InputError("samples", str(samples), f"1 to {TURNS}")
        source = as_source(image, self.channels)
        same_numbers(source, self.intensity.dtype)
        holes = np.asarray(holes)
        if holes.shape != source.shape[1:]:
            raise InputError(f"holes of {source.path}", f"shape {holes.shape}", f"{source.shape[1:]}, as the image has")
        missing = source.missing(0, holes.shape[0], 0, holes.shape[1])
        holes = check_holes(holes.astype(bool) | missing, f"holes of {source.path}")
        repaired = source.read()
        uncertainty = np.zeros(holes.shape, np.float32)
        for at in _with_holes(holes, tile):
            made = self._complete(network, source, holes, at, samples)
            repaired[:, at[0], at[1]] = put(repaired[:, at[0], at[1]], holes[at], made.mean(0))
            uncertainty[at] = np.where(holes[at], made.std(0).mean(0), 0)
        return repaired, uncertainty

    def _complete(
        self, network: InpaintingNet, source: ImageSource, holes: np.ndarray, at: tuple[slice, slice], samples: int
    ) -> np.ndarray:
        """Completions (samples, C, y, x) of a part of an image.

        Its surroundings begin and end on the network's grid, so that turning them does not shift it: a place is filled
        in the same way whichever tile it lies in.
        """
        stride, halo = network.stride, network.halo
        inside = (slice(0, 0), slice(0, 0))
        while holes[inside].all():  # also where there is none; in the middle of a wide hole it takes a wider look
            low = [max(0, s.start // stride * stride - halo) for s in at]
            ends = zip(at, holes.shape, strict=True)
            high = [-(-min(s.stop + halo, n) // stride) * stride for s, n in ends]
            inside = (slice(low[0], min(high[0], holes.shape[0])), slice(low[1], min(high[1], holes.shape[1])))
            halo *= 2
        beyond = [(0, b - s.stop) for b, s in zip(high, inside, strict=True)]
        pixels = source.region(inside[0].start, inside[0].stop, inside[1].start, inside[1].stop)
        smooth = continued(self.intensity.normalise(pixels[None])[0], holes[inside])
        stack = np.pad(np.concatenate([smooth, holes[None][:, *inside]]), [(0, 0), *beyond], mode="symmetric")
        y, x = (slice(s.start - a, s.stop - a) for s, a in zip(at, low, strict=True))
        low_precision = bfloat16_is_fast(torch.device("cpu"))
        made = []
        for k in range(samples):
            seen = torch.from_numpy(_turn(stack.astype(np.float32), k)[None])
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low_precision):
                found = network(seen[:, :-1], seen[:, -1:]).float().numpy()[0]
            made.append(self._restore(_turn_back(found, k)[:, y, x]))
        return np.stack(made)

    def _restore(self, image: np.ndarray) -> np.ndarray:
        """(C, y, x) in [-1, 1] to the range of the images, not rounded."""
        low, high = (np.array(v)[:, None, None] for v in zip(*self.intensity.limits, strict=True))
        return (np.clip(image, -1, 1) + 1) / 2 * (high - low) + low

    def save(self, path: str | Path) -> Path:
        """Write the inpainter as one `.safetensors` file.

        Raises
        ------
        OutputError : it cannot be written.
        NeubauerError : not fitted.
        """
        tensors = module_tensors("network", self.network)
        header = {
            "config": self.config.model_dump(mode="json"),
            "channels": self.channels,
            "intensity": asdict(self.intensity),
        }
        return save_model(path, KIND, header, tensors)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read an inpainter that `save` wrote.

        Raises
        ------
        InputError : no such file, not an inpainter, or damaged.
        """
        header, tensors = load_model(path, KIND)
        self = cls.__new__(cls)
        TrainedInpainter.__init__(self, validate(InpaintingConfig, header["config"], str(path)))
        network = InpaintingNet(header["channels"], widths=self.config.widths, depths=self.config.depths)
        restore_module("network", network, tensors, Path(path))
        limits = tuple((low, high) for low, high in header["intensity"]["limits"])
        self.set(network, header["channels"], IntensityRange(limits, header["intensity"]["dtype"]))
        return self


def _with_holes(holes: np.ndarray, tile: int) -> Iterator[tuple[slice, slice]]:
    """Of each tile of an image the rectangle around the holes in it."""
    for top in range(0, holes.shape[0], tile):
        for left in range(0, holes.shape[1], tile):
            part = holes[top : top + tile, left : left + tile]
            if part.any():
                y, x = np.flatnonzero(part.any(1)), np.flatnonzero(part.any(0))
                yield slice(top + int(y[0]), top + int(y[-1]) + 1), slice(left + int(x[0]), left + int(x[-1]) + 1)


def _turn(image: np.ndarray, k: int) -> np.ndarray:
    """One of eight mirrorings and quarter turns of (C, Y, X)."""
    turned = np.rot90(image, k % 4, (1, 2))
    return np.ascontiguousarray(turned[:, :, ::-1] if k >= 4 else turned)


def _turn_back(image: np.ndarray, k: int) -> np.ndarray:
    return np.rot90(image[:, :, ::-1] if k >= 4 else image, -(k % 4), (1, 2))
