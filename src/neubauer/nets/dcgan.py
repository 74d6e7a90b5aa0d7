"""Convolutional generator and discriminator after Radford et al., ICLR 2016 (DCGAN), with the origins' variants as
parameters."""

from __future__ import annotations

from torch import Tensor, nn

from neubauer.nets.conditional import LatentInput
from neubauer.nets.shapes import (
    ImageShape,
    Output,
    OutputActivation,
    base_size,
    count_stages,
    crop,
    fit_widths,
)


def _transposed(
    in_channels: int, out_channels: int, kernel: int, stride: int, bias: bool = False
) -> nn.ConvTranspose2d:
    """Transposed convolution that multiplies the size by `stride` (Keras' `padding="same"`)."""
    padding = (kernel - stride + 1) // 2
    return nn.ConvTranspose2d(
        in_channels, out_channels, kernel, stride, padding, output_padding=stride - kernel + 2 * padding, bias=bias
    )


class DcganGenerator(nn.Module):
    """latent -> dense -> transposed convolutions -> image. (N, L)[, (N,) classes] -> (N, C, Y, X) in [-1, 1].

    Parameters
    ----------
    shape : (C, Y, X); sides that are no multiple of the stages' product are reached by cropping.
    latent : length L of the latent vector.
    classes : number of classes, 0 for none.
    base : side of the first map, about (pixels); with `shape` it decides the number of stride-2 stages.
    widths : channels, coarse to fine; the first is the dense layer's. Extended or shortened as the number of stages
        asks.
    kernel : side of the convolutions.
    first_same : put one stride-1 convolution behind the dense layer.
    last_same : side of a stride-1 convolution that makes the image (0: the last stride-2 stage makes it).
    slope : of the leaky ReLU.
    output : last activation.
    output_bias : whether the last convolution has a bias (the others are followed by batch norm and need none).
    """

    def __init__(
        self,
        shape: ImageShape,
        latent: int,
        classes: int = 0,
        *,
        base: int = 4,
        widths: list[int] = [512, 256, 128, 64],  # noqa: B006 (never changed)
        kernel: int = 4,
        first_same: bool = False,
        last_same: int = 0,
        slope: float = 0.2,
        output: OutputActivation = "tanh",
        output_bias: bool = False,
    ) -> None:
        super().__init__()
        self.size = shape[1:]
        stages = count_stages(self.size, base)
        strides = [1] * first_same + [2] * stages
        # one width per map: behind the dense layer and behind every convolution but the one that makes the image
        wide = fit_widths(widths, len(strides) + (1 if last_same else 0))
        self.base = base_size(self.size, stages)
        self.input = LatentInput(latent, classes)
        self.dense = nn.Sequential(
            nn.Linear(self.input.out, wide[0] * self.base[0] * self.base[1], bias=False),
            nn.BatchNorm1d(wide[0] * self.base[0] * self.base[1]),
            nn.LeakyReLU(slope, inplace=True),
        )
        hidden: list[nn.Module] = []
        for before, after, stride in zip(wide[:-1], wide[1:], strides, strict=False):
            hidden += [
                _transposed(before, after, kernel, stride),
                nn.BatchNorm2d(after),
                nn.LeakyReLU(slope, inplace=True),
            ]
        self.hidden = nn.Sequential(*hidden)
        last = (last_same, 1) if last_same else (kernel, 2)
        self.last = _transposed(wide[-1], shape[0], *last, bias=output_bias)
        self.output = Output(output)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.dense(self.input(z, label)).unflatten(1, (-1, *self.base))
        return self.output(crop(self.last(self.hidden(x)), self.size))


class DcganBackbone(nn.Module):
    """image -> stride-2 convolutions -> flat features. (N, C, Y, X) -> (N, `features`).

    Parameters
    ----------
    shape : (C, Y, X) of the images.
    base : stages of the last width are added until no side of the map is longer (pixels).
    widths : channels, fine to coarse.
    kernel : side of the convolutions.
    batch_norm : normalise every stage but the first.
    dropout : share of the features that is dropped behind every stage.
    slope : of the leaky ReLU.
    """

    def __init__(
        self,
        shape: ImageShape,
        *,
        base: int = 8,
        widths: list[int] = [64, 128, 256],  # noqa: B006 (never changed)
        kernel: int = 4,
        batch_norm: bool = False,
        dropout: float = 0.0,
        slope: float = 0.2,
    ) -> None:
        super().__init__()
        wide = list(widths)
        while max(-(-s // 2 ** len(wide)) for s in shape[1:]) > base:
            wide.append(wide[-1])
        layers: list[nn.Module] = []
        y, x = shape[1:]
        before = shape[0]
        for i, after in enumerate(wide):
            normed = batch_norm and i > 0
            # for odd kernels and odd sides this is Keras' "same": ceil(side / 2)
            layers.append(nn.Conv2d(before, after, kernel, 2, (kernel - 1) // 2, bias=not normed))
            y, x = ((s + 2 * ((kernel - 1) // 2) - kernel) // 2 + 1 for s in (y, x))
            if normed:
                layers.append(nn.BatchNorm2d(after))
            layers.append(nn.LeakyReLU(slope, inplace=True))
            if dropout:
                layers.append(nn.Dropout(dropout))
            before = after
        self.layers = nn.Sequential(*layers)
        self.features = before * y * x

    def forward(self, x: Tensor) -> Tensor:
        # as the map lies in memory, channels last: its gradient then lies like it, too
        return self.layers(x).permute(0, 2, 3, 1).flatten(1)
