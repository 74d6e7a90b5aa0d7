"""A classifier as it is trained on few labels: with noise, and as a discriminator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from neubauer.nets.classifier import CellNet


class Student(nn.Module):
    """A `CellNet` in training: with noise on its input and between its blocks.

    (N, C, Y, X) -> logits (N, K), features (N, hidden). As a discriminator, K logits say both which class an image is
    of and, by their log-sum-exp (see `realness`), whether it is real.

    Parameters
    ----------
    classifier : the network that is wanted.
    input_noise : deviation of the noise on the images.
    layer_noise : deviation of the noise on the input of each block, in deviations of that input (Salimans et al., NIPS
        2016, published settings).
    """

    def __init__(self, classifier: CellNet, input_noise: float = 0.0, layer_noise: float = 0.0) -> None:
        super().__init__()
        self.classifier = classifier
        self.input_noise, self.layer_noise = input_noise, layer_noise

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        net = self.classifier
        if self.training and self.input_noise:
            x = x + self.input_noise * torch.randn_like(x)
        for i, block in enumerate(net.body):
            if i and self.training and self.layer_noise:
                x = x + self.layer_noise * x.detach().float().std().to(x.dtype) * torch.randn_like(x)
            x = block(x)
        features = x.mean((2, 3))
        return net.head(net.dropout(features)).float(), features


def realness(logits: Tensor) -> Tensor:
    """log Z(x) = logsumexp of the K logits, (N,): the logit of "real", D(x) = Z / (Z + 1). Salimans et al., NIPS 2016,
    section 5."""
    return logits.logsumexp(1)


@contextmanager
def statistics_kept(network: nn.Module) -> Iterator[None]:
    """Context in which passes in training mode leave the running statistics of batch normalisations alone: those of
    generated images are not wanted when real ones are classified."""
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [m.momentum for m in norms]
    for m in norms:
        m.momentum = 0.0
    try:
        yield
    finally:
        for m, momentum in zip(norms, momenta, strict=True):
            m.momentum = momentum
