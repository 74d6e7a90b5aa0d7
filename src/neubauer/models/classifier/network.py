"""Networks as classifiers of arrays, beside the classifiers on measured features."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from neubauer.errors import InputError
from neubauer.gan.training.machine import bfloat16_is_fast
from neubauer.models.classifier.baselines import Forest, LinearSvm
from neubauer.models.classifier.config import ClassifierConfig
from neubauer.nets.blocks import channels_last, fuse_norms
from neubauer.nets.classifier import CellNet, PlainNet

BATCH = 256


class Scorer(Protocol):
    """What decides: images to logits. `tensors` is what a file keeps of it."""

    tensors: dict[str, Tensor]

    def logits(self, images: np.ndarray) -> np.ndarray:
        """(N, C, Y, X) float32 in [-1, 1] -> (N, K)."""


class NetworkScorer:
    """A trained network, made ready for prediction: normalisations folded, channels last, bfloat16 where it is fast."""

    def __init__(self, network: nn.Module) -> None:
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.tensors = dict(network.state_dict())
        self.network = channels_last(fuse_norms(copy.deepcopy(network).eval())).to(device)
        self.device = device

    def logits(self, images: np.ndarray) -> np.ndarray:
        found = []
        with torch.inference_mode(), torch.autocast(self.device.type, torch.bfloat16, bfloat16_is_fast(self.device)):
            for part in torch.from_numpy(images).split(BATCH):
                x = part.to(self.device, memory_format=torch.channels_last)
                found.append(self.network(x).float().cpu())
        return torch.cat(found).numpy()


def build_network(config: ClassifierConfig) -> CellNet | PlainNet:
    """The network of a config, with random weights."""
    channels, classes = config.channels, len(config.classes)
    if config.method == "cnn":
        return PlainNet(channels, classes)
    return CellNet(channels, classes, widths=config.widths, depths=config.depths, stem_stride=config.stem_stride)


def restore(config: ClassifierConfig, tensors: Mapping[str, Tensor], where: str) -> Scorer:
    """What decides, from a file.

    Raises
    ------
    InputError : the weights do not fit the config.
    """
    try:
        if config.method == "svm":
            return LinearSvm(tensors)
        if config.method == "forest":
            return Forest(tensors)
        network = build_network(config)
        network.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
    except (RuntimeError, KeyError, ValueError) as error:
        raise InputError(where, "weights that do not fit the config", "a classifier as it was saved") from error
    return NetworkScorer(network)
