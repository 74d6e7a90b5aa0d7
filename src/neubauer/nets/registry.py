"""Generators and discriminator backbones by name. The options of a network are the keyword arguments of its
constructor."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, create_model
from torch import nn

from neubauer.nets.conditional import Conditioning, Discriminator
from neubauer.nets.dcgan import DcganBackbone, DcganGenerator
from neubauer.nets.mlp import MlpBackbone, MlpGenerator
from neubauer.nets.r3gan import R3Backbone, R3Generator
from neubauer.nets.resnet_gan import ResnetBackbone, ResnetGenerator
from neubauer.nets.shapes import ImageShape

GENERATORS: dict[str, type[nn.Module]] = {
    "mlp": MlpGenerator,
    "dcgan": DcganGenerator,
    "resnet": ResnetGenerator,
    "r3": R3Generator,
}
BACKBONES: dict[str, type[nn.Module]] = {
    "mlp": MlpBackbone,
    "dcgan": DcganBackbone,
    "resnet": ResnetBackbone,
    "r3": R3Backbone,
}


def options_schema(network: type[nn.Module]) -> type[BaseModel]:
    """A pydantic model of the keyword-only arguments of a network's constructor, with their defaults."""
    hints = get_type_hints(network.__init__)
    fields: dict[str, Any] = {
        p.name: (hints[p.name], p.default)
        for p in inspect.signature(network).parameters.values()
        if p.kind is inspect.Parameter.KEYWORD_ONLY
    }
    return create_model(f"{network.__name__}Options", __config__=ConfigDict(extra="forbid"), **fields)


def build_generator(net: str, shape: ImageShape, latent: int, classes: int, options: Mapping[str, Any]) -> nn.Module:
    """A generator: (N, latent)[, (N,)] -> (N, C, Y, X)."""
    return GENERATORS[net](shape, latent, classes, **options)


def build_discriminator(
    net: str, shape: ImageShape, classes: int, conditioning: Conditioning, options: Mapping[str, Any]
) -> Discriminator:
    """A discriminator: (N, C, Y, X)[, (N,)] -> `Verdict`."""
    return Discriminator(BACKBONES[net](shape, **options), classes, conditioning)
