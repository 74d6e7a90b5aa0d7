"""Variational autoencoder: the control without an adversary. Kingma & Welling, ICLR 2014."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from neubauer.gan.config.image import VaeConfig
from neubauer.gan.game import Batch, Losses
from neubauer.gan.games.image_gan import NoiseToImage
from neubauer.gan.games.registry import GAMES, GameKind
from neubauer.nets.registry import BACKBONES, build_generator
from neubauer.nets.shapes import ImageShape


class Autoencoder(nn.Module):
    """Encoder and decoder in one, since one player trains both; called, it decodes. (N, L) -> (N, C, Y, X)."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module, latent: int) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.moments = nn.Linear(int(encoder.features), 2 * latent)  # type: ignore[arg-type]
        # the noise of a pixel, learned for the whole set: the optimal decoder variance of Rybkin et al., ICML 2021
        self.log_deviation = nn.Parameter(torch.zeros(()))

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        return self.decoder(z, label)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the posterior, (N, L) each."""
        mean, log_variance = self.moments(self.encoder(x)).float().chunk(2, dim=1)
        return mean, log_variance


class Vae(NoiseToImage):
    """Maximises the evidence lower bound, in nats per pixel value. Batches: `image` (N, C, Y, X) in [-1, 1]."""

    def __init__(self, config: VaeConfig, shape: ImageShape, classes: int = 0) -> None:
        super().__init__(config.latent, 0)
        self.config = config
        g, e = dict(config.generator), dict(config.encoder)
        decoder = build_generator(g.pop("net"), shape, config.latent, 0, g)
        self.generator: Autoencoder = Autoencoder(BACKBONES[e.pop("net")](shape, **e), decoder, config.latent)

    def generator_loss(self, batch: Batch) -> Losses:
        x = batch["image"]
        mean, log_variance = self.generator.encode(x)
        z = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
        error = (self.generator(z).float() - x).square().mean()
        log_deviation = self.generator.log_deviation
        reconstruction = 0.5 * error * (-2 * log_deviation).exp() + log_deviation
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1).mean() / x[0].numel()
        return Losses(
            {"reconstruction": reconstruction, "divergence": self.config.beta * divergence}, {"squared_error": error}
        )


def build_vae(config: VaeConfig, shape: tuple[int, int, int], classes: int = 0) -> Vae:
    """The game for images (C, Y, X) of so many classes."""
    return Vae(config, shape, classes)


GAMES.register("vae")(GameKind("images", VaeConfig, build_vae))
