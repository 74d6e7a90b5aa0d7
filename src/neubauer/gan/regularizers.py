"""What keeps a game stable: gradient penalties, spectral norm, feature matching, mode seeking, instance noise.

(Label smoothing is an argument of the losses that have labels.) All functions are pure but `spectral_norm`, which
changes the network it is given.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrizations, parametrize


def input_gradient(scores: Tensor, inputs: Tensor) -> Tensor:
    """Gradient of each item's score with respect to that item, differentiable again; (N, ...) float32, like
    `inputs`."""
    (gradient,) = torch.autograd.grad(scores.float().sum(), inputs, create_graph=True)
    return gradient.float()


def zero_centred_penalty(scores: Tensor, inputs: Tensor) -> Tensor:
    """||grad_x D(x)||^2 / 2, averaged over the batch: R1 where `inputs` are real items, R2 where they are generated
    ones.

    Mescheder et al., ICML 2018, equations 9 and 10. `inputs` must require gradients, and `scores` must have been
    computed from them.
    """
    return 0.5 * input_gradient(scores, inputs).square().flatten(1).sum(1).mean()


def gradient_penalty(
    discriminator: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, target: float = 1.0
) -> Tensor:
    """(||grad_x D(x)|| - target)^2 at random points between real and generated items. Gulrajani et al., NIPS 2017,
    equation 3.

    Parameters
    ----------
    discriminator : (N, ...) -> scores.
    real, fake : (N, ...) of the same shape; no gradient flows into them.
    """
    mix = torch.rand(real.shape[0], *[1] * (real.ndim - 1), device=real.device, dtype=real.dtype)
    between = torch.lerp(fake.detach().to(real.dtype), real, mix).requires_grad_()
    norm = input_gradient(discriminator(between), between).flatten(1).norm(dim=1)
    return (norm - target).square().mean()


def feature_matching(real: Tensor, fake: Tensor) -> Tensor:
    """Squared distance between the batch means of the discriminator's features, averaged over the features.

    Salimans et al., NIPS 2016, section 3.1. `real` is a target: no gradient flows into it.
    """
    return (real.detach().float().mean(0) - fake.float().mean(0)).square().mean()


def mode_seeking(real: Tensor, fake: Tensor, label: Tensor, size: int = 16) -> Tensor:
    """By how much generated images of a class are more alike than real ones are: 0 (not at all) to 1 (all the same).

    The mean distance of two generated images of a class is held against that of two real ones, and the shortfall
    averaged over the classes. A discriminator that sees one image at a time cannot tell that all are the same. After
    Mao et al., CVPR 2019, who reward distance without a measure for how much is enough.

    Parameters
    ----------
    real, fake : (N, C, Y, X) of the same classes; no gradient flows into `real`.
    label : (N,) class of the item in both.
    size : images are averaged down to about this side first: the distance is not to be one of noise.
    """
    kinds = F.one_hot(label).float()
    pairs = kinds.sum(0) * (kinds.sum(0) - 1)

    def distance(x: Tensor) -> Tensor:
        thumbnails = F.avg_pool2d(x.float(), max(1, min(x.shape[2:]) // size)).flatten(1)
        between = torch.cdist(thumbnails, thumbnails, p=1) / thumbnails.shape[1]
        return (kinds * (between @ kinds)).sum(0)[pairs > 0] / pairs[pairs > 0]

    return (
        F.relu(1 - distance(fake) / distance(real.detach()).clamp_min(1e-6)).mean() if pairs.any() else fake.sum() * 0
    )


def instance_noise(x: Tensor, sigma: float) -> Tensor:
    """`x` plus Gaussian noise. Sønderby et al., ICLR 2017; let `sigma` fall to zero over the run."""
    return x + sigma * torch.randn_like(x) if sigma > 0 else x


def spectral_norm(network: nn.Module) -> nn.Module:
    """Divide every weight of `network` (convolutions, dense layers, embeddings) by its largest singular value, in
    place.

    One power iteration per forward pass in training. Miyato et al., ICLR 2018. Layers that have it already are left
    alone.
    """
    kinds = (nn.modules.conv._ConvNd, nn.Linear, nn.Embedding)
    for layer in list(network.modules()):
        if isinstance(layer, kinds) and not parametrize.is_parametrized(layer, "weight"):
            parametrizations.spectral_norm(layer)
    return network
