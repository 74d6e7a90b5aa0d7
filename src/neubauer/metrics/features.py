"""Encoders: what images are compared by. Features are standardised, so that distances and kernels have a scale."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Encoder(Protocol):
    """Images (N, C, Y, X) in [-1, 1] -> features (N, F)."""

    def __call__(self, images: Tensor) -> np.ndarray: ...


class _Standardised:
    """Principal components of raw features, scaled together so that a component of the fitted set has variance 1 on
    average."""

    def __init__(self, raw: np.ndarray, components: int) -> None:
        raw = raw.astype(np.float64)
        self.mean = raw.mean(0)
        # columns of constant value would be divided by 0; they carry nothing
        self.deviation = np.where(raw.std(0) > 1e-8, raw.std(0), np.inf)
        _, s, vt = np.linalg.svd((raw - self.mean) / self.deviation, full_matrices=False)
        n = min(components, len(s))
        self.axes = vt[:n].T / max(float(np.sqrt((s[:n] ** 2).mean() / len(raw))), 1e-12)

    def __call__(self, raw: np.ndarray) -> np.ndarray:
        return ((raw - self.mean) / self.deviation) @ self.axes


def _batches(network: nn.Module, images: Tensor, batch_size: int = 256) -> np.ndarray:
    device = next(network.parameters()).device
    with torch.no_grad():
        parts = [network(part.to(device).float()).float().cpu() for part in images.split(batch_size)]
    return torch.cat(parts).numpy()


class _RandomFeatures(nn.Module):
    """Random convolutions at several scales; per channel the mean of each quarter of the image, and the deviation over
    the image."""

    def __init__(self, channels: int, seed: int, widths: tuple[int, ...] = (32, 64, 128)) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.layers = nn.ModuleList()
        before = channels
        for width in widths:
            layer = nn.Conv2d(before, width, 3, 2, 1)
            with torch.no_grad():
                layer.weight.normal_(0, (2 / (9 * before)) ** 0.5, generator=generator)
                layer.bias.uniform_(-0.5, 0.5, generator=generator)  # type: ignore[union-attr]
            self.layers.append(layer)
            before = width

    def forward(self, x: Tensor) -> Tensor:
        found = []
        for layer in self.layers:
            x = F.leaky_relu(layer(x), 0.2)
            found += [F.adaptive_avg_pool2d(x, 2).flatten(1), x.flatten(2).std(2, correction=0)]
        return torch.cat(found, 1)


class RandomEncoder:
    """Untrained features, for any number of channels and images from 8 px: needs no labels and knows no other domain.

    Random convolutional features separate distributions of images well enough to rank generators (Naeem et al., ICML
    2020, section 5 uses a random network for domains unlike ImageNet). The principal components are those of the real
    images it is made with.

    Parameters
    ----------
    images : (N, C, Y, X) real images in [-1, 1].
    components : number of features; fewer if there are not four times as many images.
    seed : of the random weights.
    """

    def __init__(self, images: Tensor, components: int = 64, seed: int = 0, device: str = "cpu") -> None:
        self.network = _RandomFeatures(images.shape[1], seed).to(device).eval()
        raw = _batches(self.network, images)
        self.standardise = _Standardised(raw, max(2, min(components, len(raw) // 4)))

    def __call__(self, images: Tensor) -> np.ndarray:
        return self.standardise(_batches(self.network, images))


class _Classifier(nn.Module):
    def __init__(self, channels: int, classes: int, width: int) -> None:
        super().__init__()

        def stage(a: int, b: int) -> list[nn.Module]:
            return [nn.Conv2d(a, b, 3, 2, 1, bias=False), nn.BatchNorm2d(b), nn.ReLU()]

        self.features = nn.Sequential(
            *stage(channels, width),
            *stage(width, 2 * width),
            *stage(2 * width, 4 * width),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * width, 4 * width),
            nn.ReLU(),
        )
        self.head = nn.Linear(4 * width, classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


class ClassifierEncoder:
    """The last hidden layer of a small classifier that was trained on the data: the choice where there are classes.

    It also classifies, so that the classes of conditional samples can be checked against what they were asked to be.

    Parameters
    ----------
    images : (N, C, Y, X) real images in [-1, 1].
    labels : (N,) class indices.
    steps, seed, width, components : training steps of 128 images, seed, channels of the first stage, number of features
        kept.
    """

    def __init__(
        self,
        images: Tensor,
        labels: np.ndarray,
        steps: int = 1500,
        seed: int = 0,
        width: int = 32,
        components: int = 64,
        device: str = "cpu",
    ) -> None:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.classifier = self._train(images, torch.as_tensor(labels).long(), steps, width, device)
        self.standardise = _Standardised(
            _batches(self.classifier.features, images), max(2, min(components, len(images) // 4))
        )

    @staticmethod
    def _train(images: Tensor, labels: Tensor, steps: int, width: int, device: str) -> _Classifier:
        network = _Classifier(images.shape[1], int(labels.max()) + 1, width).to(device)
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=steps)
        for _ in range(steps):
            part = torch.randint(len(images), (min(128, len(images)),))
            x, y = images[part].to(device).float(), labels[part].to(device)
            flip = torch.rand(len(x), 1, 1, 1, device=device) < 0.5
            optimizer.zero_grad()
            F.cross_entropy(network(torch.where(flip, x.flip(3), x)), y).backward()
            optimizer.step()
            schedule.step()
        return network.eval()

    def __call__(self, images: Tensor) -> np.ndarray:
        return self.standardise(_batches(self.classifier.features, images))

    def classify(self, images: Tensor) -> np.ndarray:
        """Class index of each image, (N,)."""
        return _batches(self.classifier, images).argmax(1)
