"""Seeing inside: ways between samples, what samples resemble, and what the discriminator finds fake."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from scipy.spatial.distance import cdist
from torch import Tensor

from neubauer.metrics.features import Encoder


def spherical_path(start: Tensor, end: Tensor, steps: int) -> Tensor:
    """Latents on the great circle from `start` to `end`, (steps, L), both ends included.

    Straight lines pass too near the origin, where Gaussian latents do not lie. Shoemake, SIGGRAPH 1985; White 2016.
    """
    cosine = torch.dot(start, end) / (start.norm() * end.norm())
    angle = torch.acos(cosine.clamp(-1, 1))
    t = torch.linspace(0, 1, steps, device=start.device)[:, None]
    if angle < 1e-4:  # the circle is not defined, and a line is as good
        return torch.lerp(start, end, t)
    return (torch.sin((1 - t) * angle) * start + torch.sin(t * angle) * end) / torch.sin(angle)


def nearest_neighbours(samples: Tensor, images: Tensor, encoder: Encoder, k: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """The k training images that each sample resembles most.

    Parameters
    ----------
    samples, images : (N, C, Y, X) and (M, C, Y, X) in [-1, 1].
    encoder : features to compare in.

    Returns
    -------
    indices into `images` and distances, (N, k) each, nearest first.
    """
    distances = cdist(encoder(samples), encoder(images))
    order = np.argsort(distances, axis=1)[:, :k]
    return order, np.take_along_axis(distances, order, axis=1)


def fake_map(score: Callable[[Tensor], Tensor], images: Tensor, steps: int = 16) -> np.ndarray:
    """How much each pixel lowers the discriminator's score, compared with a blurred copy of the same image.

    Integrated gradients (Sundararajan et al., ICML 2017, equation 3) from the blurred copy (Gaussian, deviation an
    eighth of the shorter side) to the image: the sum over all pixels is the difference of the two scores, up to the
    step size. The sign is turned, so that positive pixels look fake.

    Parameters
    ----------
    score : (N, C, Y, X) -> (N,) differentiable scores, higher for real.
    images : (N, C, Y, X) in [-1, 1].
    steps : points on the way.

    Returns
    -------
    (N, Y, X) float32, summed over the channels.
    """
    sigma = min(images.shape[2:]) / 8
    blurred = torch.from_numpy(gaussian_filter(images.cpu().numpy(), (0, 0, sigma, sigma))).to(images)
    total = torch.zeros_like(images)
    for i in range(steps):
        point = torch.lerp(blurred, images, (i + 0.5) / steps).requires_grad_()
        (gradient,) = torch.autograd.grad(score(point).float().sum(), point)
        total += gradient
    return -((images - blurred) * total / steps).sum(1).cpu().numpy()


def heat(maps: np.ndarray) -> np.ndarray:
    """(N, Y, X) -> pictures (N, 3, Y, X) in [-1, 1]: red where positive, blue where negative, each scaled to its own
    extreme."""
    scaled = maps / np.maximum(np.abs(maps).max((1, 2), keepdims=True), 1e-12)
    red, blue = np.clip(scaled, 0, 1), np.clip(-scaled, 0, 1)
    return 1 - 2 * np.stack((blue, np.maximum(red, blue), red), axis=1)
