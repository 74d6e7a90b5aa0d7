"""How training crops may differ from the images: their geometry and, here, their pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

DARKEST = 0.02
"""Least transmission of a bright-field pixel; its optical density is then finite."""


@dataclass(frozen=True)
class Augmentation:
    """How far training crops may differ from the image; (low, high) are drawn uniformly, scale log-uniformly.

    Each change is left out with some probability, so that the network also sees crops as sharp and as clean as the
    images that it will count: trained on resampled, noisy crops alone, it overcounts in clean ones.

    Attributes
    ----------
    often : probability of a change of scale, of a free rotation instead of quarter turns, of changed intensities, of
        noise and blur.
    scale : size ratio.
    gain, shift : per image, pixels become gain * pixel + shift; a channel gets its own on top with `channel` times the
        spread.
    gamma : exponent of the pixel values between 0 and 1, log-uniform.
    noise : largest standard deviation of Gaussian noise.
    blur : largest standard deviation (pixels) of Gaussian blur.
    stains : probability that the stains of a bright-field RGB crop are changed: haematoxylin, eosin and DAB are told
        apart (Ruifrok & Johnston 2001), made stronger or weaker (Tellez et al., IEEE TMI 2018), and part of the eosin
        made DAB.
    stroma : probability that stained fibres and gaps without tissue are laid between the cells of a bright-field RGB
        crop.
    hues : probability that the optical densities of an RGB crop are mixed with each other a little.
    illumination : largest logarithm of a gain that varies smoothly over the crop; drawn as often as intensities change.
    compression : probability of a JPEG compression, quality 20 to 80.
    coarse : probability that the crop has been up to 2.5 times coarser.
    """

    often: tuple[float, float, float, float] = (0.6, 0.4, 0.8, 0.3)
    scale: tuple[float, float] = (0.75, 1.33)
    gain: tuple[float, float] = (0.8, 1.25)
    shift: float = 0.1
    channel: float = 0.3
    gamma: tuple[float, float] = (0.8, 1.25)
    noise: float = 0.05
    blur: float = 1.0
    stains: float = 0.0
    stroma: float = 0.0
    hues: float = 0.0
    illumination: float = 0.0
    compression: float = 0.0
    coarse: float = 0.0


def changed(pixels: np.ndarray, cells: np.ndarray, a: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """A crop as another stain, microscope or camera might have shown it.

    Parameters
    ----------
    pixels : (C, Y, X), normalised.
    cells : (Y, X) bool, where cells are.
    a : how far it may differ.
    rng : what is drawn from; of a kind of change that `a` switches off nothing is.

    Returns
    -------
    (C, Y, X) float32.
    """
    colour = len(pixels) == 3
    if colour and a.stains and rng.random() < a.stains:
        pixels = _restain(pixels, rng)
    if colour and a.stroma and rng.random() < a.stroma:
        pixels = _lay_stroma(pixels, cells, rng)
    if colour and a.hues and rng.random() < a.hues:
        pixels = _mix_hues(pixels, rng)
    if rng.random() < a.often[2]:
        pixels = _brightness(pixels, a, rng)
    if a.illumination and rng.random() < a.often[2] / 2:
        grid = rng.uniform(-a.illumination, a.illumination, (3, 3)).astype(np.float32)
        pixels = pixels * np.exp(_enlarge(grid, pixels.shape[1:]))
    if a.blur and rng.random() < a.often[3]:
        pixels = _blur(pixels, rng.uniform(0, a.blur))
    if a.coarse and rng.random() < a.coarse:
        pixels = _coarsen(pixels, rng.uniform(1.2, 2.5))
    if a.noise and rng.random() < a.often[3]:
        pixels = pixels + rng.uniform(0, a.noise) * rng.standard_normal(pixels.shape, dtype=np.float32)
    if a.compression and len(pixels) in (1, 3) and rng.random() < a.compression:
        pixels = _compress(pixels, int(rng.integers(20, 80)))
    return pixels.astype(np.float32)


def _brightness(pixels: np.ndarray, a: Augmentation, rng: np.random.Generator) -> np.ndarray:
    channels = (len(pixels), 1, 1)
    gain = rng.uniform(*a.gain) * (1 + a.channel * rng.uniform(a.gain[0] - 1, a.gain[1] - 1, channels))
    shift = rng.uniform(-a.shift, a.shift) + a.channel * rng.uniform(-a.shift, a.shift, channels)
    gamma = np.exp(rng.uniform(*np.log(a.gamma)))
    positive = np.maximum(pixels, 0)
    return np.where(pixels > 0, positive**gamma, pixels) * gain + shift


def _restain(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    from skimage.color import hed2rgb, rgb2hed

    stains = rgb2hed(np.clip(pixels, DARKEST, 1).transpose(1, 2, 0))
    stains *= rng.uniform(0.6, 1.4, 3)
    if rng.random() < 0.5:
        share = rng.uniform(0, 1)
        stains[..., 2] += share * rng.uniform(0.5, 2) * stains[..., 1]
        stains[..., 1] *= 1 - share
    return hed2rgb(stains).transpose(2, 0, 1).astype(np.float32)


def _lay_stroma(pixels: np.ndarray, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Fibres in a colour like eosin's, with clefts, hardly any of it inside cells; sometimes gaps without tissue."""
    shape = pixels.shape[1:]
    outside = 1 - rng.uniform(0.6, 1) * _blur(cells[None].astype(np.float32), 1.0)[0]
    fibres = _texture(shape, rng.uniform(3, 15), rng.uniform(0.8, 3), rng)
    broad = _texture(shape, rng.uniform(8, 25), rng.uniform(8, 25), rng)
    amount = np.clip(rng.uniform(-0.3, 0.7) + rng.uniform(0, 1) * fibres + rng.uniform(0, 0.6) * broad, 0, None)
    absorbed = rng.uniform([0.02, 0.5, 0.1], [0.45, 1.0, 0.6]) * rng.uniform(0.1, 0.8)  # of red, green, blue light
    pixels = pixels * np.exp(-absorbed[:, None, None] * amount * outside)
    if rng.random() < 0.3:
        field = _texture(shape, rng.uniform(8, 30), rng.uniform(3, 30), rng)
        gap = 1 / (1 + np.exp(-8 * (field - rng.uniform(0.6, 2)))) * (outside > 0.9)
        pixels = pixels * (1 - gap) + rng.uniform(0.9, 1.05) * gap
    return pixels.astype(np.float32)


def _texture(shape: tuple[int, ...], long: float, short: float, rng: np.random.Generator) -> np.ndarray:
    """(Y, X) noise of mean 0 and spread 1, longer in one direction than across it."""
    from scipy import ndimage as ndi

    side = max(shape)
    noise = ndi.gaussian_filter(rng.standard_normal((side, side), dtype=np.float32), (short / 2, long / 2))
    angle = rng.uniform(0, np.pi)
    turn = torch.tensor([[[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]]]).float() / 2
    grid = F.affine_grid(turn, [1, 1, *shape], align_corners=False)  # half as wide: twice as coarse
    field = F.grid_sample(torch.from_numpy(noise)[None, None], grid, align_corners=False)[0, 0].numpy()
    return (field - field.mean()) / max(float(field.std()), 1e-6)


def _mix_hues(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    density = -np.log(np.clip(pixels, DARKEST, 2))
    mixing = (np.eye(3) + 0.12 * rng.standard_normal((3, 3))).astype(np.float32)
    return np.exp(-np.tensordot(mixing, density, 1))


def _blur(pixels: np.ndarray, sigma: float) -> np.ndarray:
    from scipy import ndimage as ndi

    return ndi.gaussian_filter(pixels, (0, sigma, sigma), mode="nearest", truncate=2.5)


def _enlarge(field: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    return F.interpolate(torch.from_numpy(field)[None, None], tuple(shape), mode="bicubic", align_corners=True)[
        0, 0
    ].numpy()


def _coarsen(pixels: np.ndarray, factor: float) -> np.ndarray:
    whole = torch.from_numpy(np.ascontiguousarray(pixels, np.float32))[None]
    small = F.interpolate(whole, scale_factor=1 / factor, mode="bilinear", antialias=True)
    return F.interpolate(small, pixels.shape[1:], mode="bilinear")[0].numpy()


def _compress(pixels: np.ndarray, quality: int) -> np.ndarray:
    from PIL import Image

    # the values that 8 bits hold leave room for what normalisation lets stand out
    bytes_ = (np.clip((pixels + 0.25) / 1.75, 0, 1) * 255).round().astype(np.uint8)
    image = Image.fromarray(bytes_.transpose(1, 2, 0) if len(pixels) == 3 else bytes_[0])
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    with Image.open(file) as opened:
        back = np.asarray(opened, np.float32) / 255 * 1.75 - 0.25
    return back.transpose(2, 0, 1) if back.ndim == 3 else back[None]
