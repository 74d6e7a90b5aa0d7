"""A generator that is trained: new images from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from neubauer.errors import InputError, NeubauerError
from neubauer.gan.build import build_game, schema_of
from neubauer.gan.config.base import nearest, validate
from neubauer.gan.config.image import GenerativeConfig
from neubauer.gan.data.images import IntensityRange
from neubauer.gan.games.image_gan import ImageGan, NoiseToImage
from neubauer.gan.insight import fake_map, spherical_path
from neubauer.gan.training.checkpoint import module_tensors, restore_module
from neubauer.gan.training.report import Report
from neubauer.nets.store import load_model, save_model

KIND = "image-generator"


class TrainedGenerator:
    """Makes images of one size, with any bit depth and number of channels, per class if there are classes.

    Attributes
    ----------
    config : the recipe with everything filled in.
    classes : class names that can be asked for; empty for a recipe without classes.
    shape : (C, Y, X) of the samples.
    report : how training went (None for a loaded model).
    """

    def __init__(self, config: GenerativeConfig) -> None:
        self.config = config
        self.report: Report | None = None
        self._game: NoiseToImage | None = None

    def set(
        self, game: NoiseToImage, shape: tuple[int, int, int], classes: Sequence[str], intensity: IntensityRange
    ) -> None:
        """Take over trained networks, for images (C, Y, X) of these classes and intensities."""
        self._game = game.eval().requires_grad_(False)
        self.shape, self.intensity = shape, intensity
        self.classes = tuple(classes) if game.classes else ()
        self._all_classes = tuple(classes)

    @property
    def game(self) -> NoiseToImage:
        """The networks.

        Raises
        ------
        NeubauerError : not fitted.
        """
        if self._game is None:
            raise NeubauerError("this ImageGenerator has not been fitted: call fit, or load one")
        return self._game

    def sample(
        self, n: int, class_name: str | None = None, *, seed: int = 0, truncation: float | None = None
    ) -> np.ndarray:
        """New images.

        Parameters
        ----------
        n : how many.
        class_name : of this class; by default all classes in turn.
        seed : the same seed gives the same images.
        truncation : draw latents from a normal distribution cut off at this value (Brock et al., ICLR 2019): more
            typical and less diverse samples the smaller it is; None does not cut.

        Returns
        -------
        (n, C, Y, X) in the data type and range of the training images.

        Raises
        ------
        InputError : a class that the model does not have, a number of images below 1, or a truncation that is not
            positive.
        """
        if n < 1:
            raise InputError("n", str(n), "at least 1")
        z = self.latents(n, seed, truncation)
        return self.intensity.restore(self.generate(z, self._labels(n, class_name)).numpy())

    def interpolate(self, steps: int = 8, rows: int = 1, class_name: str | None = None, *, seed: int = 0) -> np.ndarray:
        """Images on the way between random pairs of samples; (rows, steps, C, Y, X), data type as `sample`."""
        ends = self.latents(2 * rows, seed)
        z = torch.cat([spherical_path(ends[2 * i], ends[2 * i + 1], steps) for i in range(rows)])
        labels = self._labels(rows, class_name)
        made = self.generate(z, None if labels is None else labels.repeat_interleave(steps))
        return self.intensity.restore(made.numpy()).reshape(rows, steps, *self.shape)

    def fake_map(self, images: np.ndarray, class_name: str | None = None) -> np.ndarray:
        """Which pixels the discriminator finds fake (positive) or real (negative): `neubauer.gan.insight.fake_map`.

        Parameters
        ----------
        images : (N, C, Y, X) in the data type of the training images.
        class_name : class that the images claim to be, for a discriminator that looks at it; default: all in turn.

        Returns
        -------
        (N, Y, X) float32.

        Raises
        ------
        InputError : images of another shape, or a model without a discriminator.
        """
        game = self.game
        if not isinstance(game, ImageGan):
            raise InputError(f"recipe {self.config.recipe}", "no discriminator", "an adversarial recipe")
        if images.shape[1:] != self.shape:
            raise InputError("images", f"shape {images.shape}", f"(N, {', '.join(map(str, self.shape))})")
        x = torch.from_numpy(self.intensity.normalise(images)).to(self._device)
        labels = self._labels(len(images), class_name)
        found = fake_map(lambda x: game.discriminator(x, None if labels is None else labels.to(x.device)).score, x)
        return found.astype(np.float32)

    def latents(self, n: int, seed: int, truncation: float | None = None) -> Tensor:
        """Latent vectors, (n, L) float32."""
        if truncation is not None and truncation <= 0:
            raise InputError("truncation", str(truncation), "a positive number")
        generator = torch.Generator().manual_seed(seed)
        z = torch.empty(n, self.game.latent)
        if truncation is None:
            return z.normal_(generator=generator)
        return torch.nn.init.trunc_normal_(z, a=-truncation, b=truncation, generator=generator)

    @torch.no_grad()
    def generate(self, z: Tensor, labels: Tensor | None = None, batch_size: int = 64) -> Tensor:
        """Images of latents (and class indices), (n, C, Y, X) in [-1, 1]."""
        parts = range(0, len(z), batch_size)
        made = [
            self.game.generator(
                z[i : i + batch_size].to(self._device),
                None if labels is None else labels[i : i + batch_size].to(self._device),
            ).cpu()
            for i in parts
        ]
        return torch.cat(made).contiguous()

    @property
    def _device(self) -> torch.device:
        return next(self.game.parameters()).device

    def _labels(self, n: int, class_name: str | None) -> Tensor | None:
        if class_name is not None and class_name not in self.classes:
            expected = nearest(class_name, self.classes) if self.classes else "no class: this model knows none"
            raise InputError("class", repr(class_name), expected)
        if not self.classes:
            return None
        if class_name is None:
            return torch.arange(n) % len(self.classes)
        return torch.full((n,), self.classes.index(class_name))

    def save(self, path: str | Path) -> Path:
        """Write the model as one `.safetensors` file.

        Raises
        ------
        OutputError : it cannot be written.
        NeubauerError : not fitted.
        """
        tensors = module_tensors("game", self.game)
        config = {
            "config": self.config.model_dump(mode="json"),
            "shape": list(self.shape),
            "classes": list(self._all_classes),
            "intensity": {"limits": [list(pair) for pair in self.intensity.limits], "dtype": self.intensity.dtype},
        }
        return save_model(path, KIND, config, tensors)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a model that `save` wrote.

        Raises
        ------
        InputError : no such file, not a generator, or damaged.
        """
        header, tensors = load_model(path, KIND)
        self = cls.__new__(cls)
        schema = schema_of(header["config"], str(path), "images")
        TrainedGenerator.__init__(self, validate(schema, header["config"], str(path)))
        intensity = IntensityRange(
            tuple((a, b) for a, b in header["intensity"]["limits"]), header["intensity"]["dtype"]
        )
        c, y, x = header["shape"]
        game = build_game(self.config, (c, y, x), len(header["classes"]))
        assert isinstance(game, NoiseToImage)
        restore_module("game", game, tensors, Path(path))
        self.set(game, (c, y, x), header["classes"], intensity)
        return self
