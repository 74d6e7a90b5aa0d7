"""`Inpainter`: fills in damaged regions of images, and says how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neubauer.errors import InputError, NeubauerError
from neubauer.gan.checkpoint import module_tensors, restore_module
from neubauer.gan.config import validate, with_training
from neubauer.gan.games.inpainting import Inpainting
from neubauer.gan.hole_data import HoleCrops
from neubauer.gan.image_pairs import Domain
from neubauer.gan.images import IntensityRange
from neubauer.gan.inpainting_config import InpaintingConfig
from neubauer.gan.machine import bfloat16_is_fast
from neubauer.gan.report import Report
from neubauer.gan.run_folder import kept_or_temporary
from neubauer.gan.trainer import Trainer
from neubauer.images.fill import put
from neubauer.images.find import find_images
from neubauer.images.holes import check_holes
from neubauer.images.source import ImageSource
from neubauer.models.counter_inputs import ImageLike, as_source, same_numbers
from neubauer.nets.blocks import channels_last
from neubauer.nets.inpainting import InpaintingNet
from neubauer.nets.store import load_model, save_model
from neubauer.recipes import load_recipe

KIND = "inpainter"
RECIPE = "inpainting"
TURNS = 8
"""Mirrorings and quarter turns, in which completions differ beside their noise."""


class Inpainter:
    """Learns what images look like, and fills in holes accordingly.

    Parameters
    ----------
    changes : what is to differ from the recipe `inpainting`, as nested tables.

    Attributes
    ----------
    config : the recipe with everything filled in.
    channels : C of the images.
    report : how training went (None for a loaded model).

    Raises
    ------
    InputError : unknown key (the nearest is suggested), or a value out of range.
    """

    def __init__(self, changes: Mapping[str, Any] | None = None) -> None:
        self.config = validate(InpaintingConfig, load_recipe(RECIPE, changes), f"recipe {RECIPE}")
        self.report: Report | None = None
        self.channels = 0
        self._network: InpaintingNet | None = None

    def fit(
        self,
        images: str | Path | Sequence[ImageLike],
        *,
        steps: int | None = None,
        seed: int | None = None,
        out: str | Path | None = None,
        resume: bool = False,
        progress: bool = False,
    ) -> Inpainter:
        """Train on undamaged images; holes are cut into crops of them.

        Parameters
        ----------
        images : folder, files or arrays, of any size, all with the same channels and data type.
        steps, seed : instead of the recipe's.
        out : run folder to keep; by default nothing is kept.
        resume : go on with the run in `out`, exactly as if it had not stopped.
        progress : show a progress bar.

        Raises
        ------
        InputError : unusable images, or a run folder that is taken or cannot be resumed (see `Trainer`).
        TrainingDiverged : training failed; the message says what to change.
        """
        self.config = with_training(self.config, steps, seed)
        given: Sequence[ImageLike] = find_images([str(images)]) if isinstance(images, str | Path) else images
        domain = Domain.of([as_source(image) for image in given], "the training set")
        with kept_or_temporary(out) as run:
            return self._fit(domain, run, resume, progress)

    def _fit(self, domain: Domain, run: Path, resume: bool, progress: bool) -> Inpainter:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.training.seed)
            game = Inpainting(self.config, domain.channels)
        data = HoleCrops(domain, self.config.crop, self.config.holes)
        game.show(data.batch(np.arange(12), np.random.default_rng(self.config.training.seed)))
        description = self.config.model_dump(mode="json", exclude={"training"}) | {
            "data": [len(domain.sources), domain.channels, asdict(domain.intensity)]
        }
        trainer = Trainer(self.config.training, run, description=description, resume=resume, progress=progress)
        self.report = trainer.fit(game, data)
        assert isinstance(game.generator, InpaintingNet)
        self._set(game.generator, domain.channels, domain.intensity)
        if trainer.fabric.is_global_zero:
            self.save(run / "model.safetensors")
        return self

    def _set(self, network: InpaintingNet, channels: int, intensity: IntensityRange) -> None:
        self._network = channels_last(network.eval().requires_grad_(False).cpu())
        self.channels, self.intensity = channels, intensity

    @property
    def network(self) -> InpaintingNet:
        """The network; raises NeubauerError before `fit` or `load`."""
        if self._network is None:
            raise NeubauerError("this Inpainter is not fitted: call fit() or Inpainter.load() first")
        return self._network

    def predict(
        self, image: ImageLike, holes: np.ndarray, *, samples: int = 4, seed: int = 0, tile: int = 512
    ) -> tuple[np.ndarray, np.ndarray]:
        """Fill in the holes of an image of any size.

        Parameters
        ----------
        image : file, array or source.
        holes : (Y, X), true in holes.
        samples : completions, each turned otherwise and with other noise (1 to 8).
        seed : of the noise.
        tile : side of the tiles, pixels; only tiles with holes are computed.

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
        if not 1 <= samples <= TURNS:
            raise InputError("samples", str(samples), f"1 to {TURNS}")
        self.network  # noqa: B018
        source = as_source(image, self.channels)
        same_numbers(source, self.intensity.dtype)
        holes = np.asarray(holes)
        if holes.shape != source.shape[1:]:
            raise InputError(f"holes of {source.path}", f"shape {holes.shape}", f"{source.shape[1:]}, as the image has")
        holes = check_holes(holes, f"holes of {source.path}")
        repaired = source.read()
        uncertainty = np.zeros(holes.shape, np.float32)
        for top in range(0, holes.shape[0], tile):
            for left in range(0, holes.shape[1], tile):
                at = (slice(top, min(top + tile, holes.shape[0])), slice(left, min(left + tile, holes.shape[1])))
                if holes[at].any():
                    mean, deviation = self._fill(source, holes, at, samples, seed)
                    repaired[:, at[0], at[1]] = put(repaired[:, at[0], at[1]], holes[at], mean)
                    uncertainty[at] = np.where(holes[at], deviation, 0)
        return repaired, uncertainty

    def _fill(
        self, source: ImageSource, holes: np.ndarray, at: tuple[slice, slice], samples: int, seed: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean (C, y, x) and deviation (y, x) of completions of a part of an image."""
        network = self.network
        stride, halo = network.stride, network.halo
        low = [(s.start // stride) * stride - halo for s in at]
        high = [-(-s.stop // stride) * stride + halo for s in at]
        inside = [(max(0, a), min(n, b)) for a, b, n in zip(low, high, holes.shape, strict=True)]
        around = [(p - a, b - q) for a, b, (p, q) in zip(low, high, inside, strict=True)]
        pixels = self.intensity.normalise(source.region(*inside[0], *inside[1])[None])[0]
        cut = holes[inside[0][0] : inside[0][1], inside[1][0] : inside[1][1]].astype(np.float32)
        # mirrored beyond the edges: the network has never seen that much of a hole
        pixels = np.pad(pixels, [(0, 0), *around], mode="symmetric")
        cut = np.pad(cut, around, mode="symmetric")[None]
        # noise belongs to a place of the image, so that it does not depend on the tiles
        made = []
        for k in range(samples):
            noise = np.random.default_rng([seed, k, low[0] + halo, low[1] + halo]).standard_normal(
                cut.shape, np.float32
            )
            stack = np.concatenate([pixels, cut, noise * cut * (k > 0)])
            seen = torch.from_numpy(_turn(stack, k)[None])
            low_precision = bfloat16_is_fast(torch.device("cpu"))
            with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=low_precision):
                found = network(seen[:, : self.channels], seen[:, -2:-1], seen[:, -1:]).float().numpy()[0]
            y, x = at[0].start - low[0], at[1].start - low[1]
            found = _turn_back(found, k)[:, y : y + at[0].stop - at[0].start, x : x + at[1].stop - at[1].start]
            made.append(self._restore(found))
        return np.mean(made, 0), np.std(made, 0).mean(0)

    def _restore(self, image: np.ndarray) -> np.ndarray:
        """(C, y, x) in [-1, 1] to the range of the images, not rounded."""
        low, high = (np.array(v)[:, None, None] for v in zip(*self.intensity.limits, strict=True))
        return (np.clip(image, -1, 1) + 1) / 2 * (high - low) + low

    # --- files

    def save(self, path: str | Path) -> Path:
        """Write the inpainter as one `.safetensors` file.

        Raises
        ------
        OutputError : it cannot be written.
        """
        header = {
            "config": self.config.model_dump(mode="json"),
            "channels": self.channels,
            "intensity": asdict(self.intensity),
        }
        return save_model(path, KIND, header, module_tensors("network", self.network))

    @classmethod
    def load(cls, path: str | Path) -> Inpainter:
        """Read an inpainter that `save` wrote.

        Raises
        ------
        InputError : no such file, not an inpainter, or damaged.
        """
        header, tensors = load_model(path, KIND)
        self = cls.__new__(cls)
        self.config = validate(InpaintingConfig, header["config"], str(path))
        self.report = None
        network = InpaintingNet(header["channels"], widths=self.config.widths, dilations=self.config.dilations)
        restore_module("network", network, tensors, Path(path))
        limits = tuple((low, high) for low, high in header["intensity"]["limits"])
        self._set(network, header["channels"], IntensityRange(limits, header["intensity"]["dtype"]))
        return self


def _turn(image: np.ndarray, k: int) -> np.ndarray:
    """One of eight mirrorings and quarter turns of (C, Y, X)."""
    turned = np.rot90(image, k % 4, (1, 2))
    return np.ascontiguousarray(turned[:, :, ::-1] if k >= 4 else turned)


def _turn_back(image: np.ndarray, k: int) -> np.ndarray:
    return np.rot90(image[:, :, ::-1] if k >= 4 else image, -(k % 4), (1, 2))
