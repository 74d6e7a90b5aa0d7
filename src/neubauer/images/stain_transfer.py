"""Classical colour normalisation: give an image the stains of another domain, without training.

Both methods describe the colours of a domain by a few numbers, and map pixel by pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from skimage.color import lab2rgb, rgb2lab

from neubauer.errors import InputError

DARKEST = 1 / 256
"""Least transmitted light, to which the optical density is limited."""
STAINED = 0.15
"""Optical density from which a pixel counts as stained (Macenko et al. 2009, beta)."""
EXTREMES = (1.0, 99.0)
"""Percentiles of the angle that are taken for the two stains (Macenko et al. 2009, alpha)."""
STRONGEST = 99.0
"""Percentile that is taken for the greatest amount of a stain."""


@dataclass(frozen=True)
class LabStatistics:
    """Colours of a domain in CIE L*a*b*, after Reinhard et al., IEEE Computer Graphics and Applications 21(5):34, 2001.

    Attributes
    ----------
    mean, deviation : of L*, a* and b*.
    """

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]

    @classmethod
    def of(cls, pixels: np.ndarray) -> LabStatistics:
        """From RGB pixels (3, N) in 0 ... 1."""
        lab = rgb2lab(pixels.T[None])[0]
        a, b = lab.mean(0), np.maximum(lab.std(0), 1e-3)
        return cls((float(a[0]), float(a[1]), float(a[2])), (float(b[0]), float(b[1]), float(b[2])))

    def transfer(self, image: np.ndarray, to: LabStatistics) -> np.ndarray:
        """An RGB image (3, Y, X) in 0 ... 1 of this domain, with the mean and the spread of the other."""
        lab = rgb2lab(np.moveaxis(image, 0, -1))
        ratio = np.array(to.deviation) / np.array(self.deviation)
        moved = (lab - np.array(self.mean)) * ratio + np.array(to.mean)
        moved[..., 0] = np.clip(moved[..., 0], 0, 100)
        return np.moveaxis(np.clip(lab2rgb(moved), 0, 1), -1, 0)


@dataclass(frozen=True)
class StainStatistics:
    """Colours of a domain after Macenko et al., ISBI 2009: two stains, the background, and how strong they get.

    Attributes
    ----------
    stains : optical densities of the two stains in the three channels, unit vectors.
    background : light where there is no stain, 0 ... 1 per channel.
    strongest : greatest amount of each stain.
    """

    stains: tuple[tuple[float, ...], tuple[float, ...]]
    background: tuple[float, ...]
    strongest: tuple[float, float]

    @classmethod
    def of(cls, pixels: np.ndarray) -> StainStatistics:
        """From RGB pixels (3, N) in 0 ... 1.

        Raises
        ------
        InputError : next to no pixel is stained.
        """
        background = np.maximum(np.percentile(pixels, 95, axis=1), 0.1)
        density = _density(pixels, background)
        stained = density[:, (density > STAINED).any(0)]
        if stained.shape[1] < 100:
            raise InputError("image", f"{stained.shape[1]} stained pixels", "a bright-field image with at least 100")
        _, vectors = np.linalg.eigh(np.cov(stained))
        plane = vectors[:, 1:]  # the two directions of largest variance
        plane = plane * np.where(plane.sum(0) < 0, -1, 1)
        on_plane = plane.T @ stained
        angles = np.arctan2(on_plane[0], on_plane[1])
        found = [plane @ np.array([np.sin(a), np.cos(a)]) for a in np.percentile(angles, EXTREMES)]
        found = [np.abs(v) / np.linalg.norm(v) for v in found]
        if found[0][0] < found[1][0]:  # haematoxylin, which absorbs more red, first
            found = found[::-1]
        amounts = np.linalg.lstsq(np.stack(found, 1), density, rcond=None)[0]
        strongest = np.maximum(np.percentile(amounts, STRONGEST, axis=1), 1e-3)
        return cls(
            (tuple(map(float, found[0])), tuple(map(float, found[1]))),
            tuple(map(float, background)),
            (float(strongest[0]), float(strongest[1])),
        )

    def transfer(self, image: np.ndarray, to: StainStatistics) -> np.ndarray:
        """An RGB image (3, Y, X) in 0 ... 1 of this domain, in the stains of the other."""
        density = _density(image.reshape(3, -1), np.array(self.background))
        amounts = np.linalg.lstsq(np.array(self.stains).T, density, rcond=None)[0]
        amounts *= (np.array(to.strongest) / np.array(self.strongest))[:, None]
        light = np.array(to.background)[:, None] * np.exp(-(np.array(to.stains).T @ amounts))
        return np.clip(light, 0, 1).reshape(image.shape)


Statistics = LabStatistics | StainStatistics
METHODS: dict[str, type[LabStatistics] | type[StainStatistics]] = {
    "reinhard": LabStatistics,
    "macenko": StainStatistics,
}


def _density(pixels: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Optical density (3, N), of light (3, N) in 0 ... 1."""
    return np.maximum(-np.log(np.maximum(pixels, DARKEST) / background[:, None]), 0)


def sampled_pixels(images: Sequence[np.ndarray], most: int = 500_000) -> np.ndarray:
    """(C, N) pixels spread over images (C, Y, X), at most about `most` in all."""
    each = max(1, most // max(len(images), 1))
    flat = [i.reshape(len(i), -1) for i in images]
    return np.concatenate([f[:, :: max(1, f.shape[1] // each)] for f in flat], 1)
