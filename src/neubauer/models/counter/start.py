"""Begin the training of a counter from another counter's weights."""

from __future__ import annotations

from pathlib import Path

import torch

from neubauer.errors import InputError
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.predict import TrainedCounter
from neubauer.nets.unet import LayoutNet

LAST = ("head.1.weight", "head.1.bias")
"""The layer with one row per map of the layout."""


@torch.no_grad()
def start_from(network: LayoutNet, spec: LayoutSpec, other: TrainedCounter, name: str | Path) -> None:
    """Give `network` the weights of a trained counter, whatever classes that one knows.

    The maps of classes that the other counter has under the same name, or that are the only class of both, begin as
    they are there; those of further classes as they were initialised.

    Parameters
    ----------
    network : of the same widths and depths as the other's; changed in place.
    spec : the layout of `network`.
    other : where to begin.
    name : what to call it in an error.

    Raises
    ------
    InputError : it sees another number of channels.
    """
    theirs, ours = other.network_, network.state_dict()
    assert theirs is not None
    weights = theirs.state_dict()
    found, expected = (w["stem.1.0.weight"].shape[1] // 4 for w in (weights, ours))
    if found != expected:
        raise InputError(name, f"a counter for {found} channels", f"one for the {expected} channels of the images")
    names = LayoutSpec(other.config.classes, 1.0).names
    if len(other.config.classes) == len(spec.classes) == 1:
        names = spec.names
    rows = [(i, names.index(n)) for i, n in enumerate(spec.names) if n in names]
    for key, value in ours.items():
        if key not in LAST:
            value.copy_(weights[key])
            continue
        for to, at in rows:
            value[to] = weights[key][at]
