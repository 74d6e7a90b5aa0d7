"""How a class enters a generator or a discriminator."""

from __future__ import annotations

from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn

Conditioning = Literal["none", "projection", "auxiliary", "discriminative"]


class Verdict(NamedTuple):
    """What a discriminator says of a batch.

    Attributes
    ----------
    score : (N,) raw score, positive for real (or a map per item, where a network judges patches).
    features : (N, F) what the score was computed from.
    class_logits : (N, K) for an auxiliary classifier; (N, 2 K) for a discriminative one, of real items, then of
        generated ones; else None.
    """

    score: Tensor
    features: Tensor
    class_logits: Tensor | None = None


class Discriminator(nn.Module):
    """A feature network and a head.

    Parameters
    ----------
    backbone : (N, C, Y, X) -> (N, F), with F as its attribute `features`.
    classes : number of classes, 0 for none.
    conditioning : `projection` adds the inner product of the features with an embedding of the class to the score
        (Miyato & Koyama, ICLR 2018); `auxiliary` predicts the class beside the score (Odena et al., ICML 2017);
        `discriminative` predicts the class and whether the item is real (Hou et al., ICML 2022).
    """

    def __init__(self, backbone: nn.Module, classes: int = 0, conditioning: Conditioning = "none") -> None:
        super().__init__()
        if conditioning != "none" and classes < 2:
            raise ValueError(f"conditioning by {conditioning} needs at least 2 classes, not {classes}")
        self.backbone = backbone
        features = int(backbone.features)  # type: ignore[arg-type]
        self.score = nn.Linear(features, 1)
        self.embedding = nn.Embedding(classes, features) if conditioning == "projection" else None
        outputs = {"auxiliary": classes, "discriminative": 2 * classes}.get(conditioning)
        self.classifier = nn.Linear(features, outputs) if outputs else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight, std=features**-0.5)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Verdict:
        features = self.backbone(x)
        score = self.score(features)[:, 0]
        if self.embedding is not None:
            score = score + (self.embedding(label) * features).sum(1)
        return Verdict(score, features, self.classifier(features) if self.classifier is not None else None)


class LatentInput(nn.Module):
    """The latent vector, with an embedding of the class appended where there are classes. (N, L), (N,) -> (N,
    `out`)."""

    def __init__(self, latent: int, classes: int = 0, embedding: int = 32) -> None:
        super().__init__()
        self.latent = latent
        self.classes = classes
        self.embedding = nn.Embedding(classes, embedding) if classes else None
        self.out = latent + (embedding if classes else 0)

    def forward(self, z: Tensor, label: Tensor | None = None) -> Tensor:
        return z if self.embedding is None else torch.cat((z, self.embedding(label).to(z.dtype)), dim=1)


class ConditionalBatchNorm2d(nn.Module):
    """Batch normalisation whose scale and offset belong to the class. Dumoulin et al., ICLR 2017; plain where `classes`
    is 0."""

    def __init__(self, channels: int, classes: int = 0) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(channels, affine=classes == 0)
        self.scale = nn.Embedding(classes, channels) if classes else None
        self.offset = nn.Embedding(classes, channels) if classes else None
        if self.scale is not None and self.offset is not None:
            nn.init.ones_(self.scale.weight)
            nn.init.zeros_(self.offset.weight)

    def forward(self, x: Tensor, label: Tensor | None = None) -> Tensor:
        x = self.norm(x)
        if self.scale is None or self.offset is None:
            return x
        scale, offset = self.scale(label)[:, :, None, None], self.offset(label)[:, :, None, None]
        return x * scale.to(x.dtype) + offset.to(x.dtype)
