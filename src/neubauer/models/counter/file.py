"""The file of a counter: weights of its networks, what it knows of its training images, and its config."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from neubauer.errors import InputError
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.config import CounterConfig
from neubauer.models.counter.strangeness import Known
from neubauer.models.shared.config_file import config_in
from neubauer.nets.scale import ScaleNet
from neubauer.nets.store import load_model
from neubauer.nets.unet import LayoutNet

KIND = "counter"
SCALE, KNOWN = "scale.", "known."
"""What the names of the tensors in a file begin with that are not the network's own."""


def tensors_of(network: LayoutNet, scale: ScaleNet | None, known: Known | None) -> dict[str, Tensor]:
    """All that a file holds beside the config, by name."""
    tensors = dict(network.state_dict())
    if scale is not None:
        state = scale.state_dict()
        tensors |= {f"{SCALE}{n}": t.half() if t.is_floating_point() else t for n, t in state.items()}
    return tensors | (known.tensors() if known is not None else {})


def load_parts(file: Path) -> tuple[CounterConfig, LayoutNet, ScaleNet | None, Known | None]:
    """Read what makes a counter; the networks are ready to predict.

    Raises
    ------
    InputError : not the file of a counter, or one that lacks weights.
    """
    raw, tensors = load_model(file, KIND)
    config = config_in(file, CounterConfig, raw)
    spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
    network = LayoutNet(config.channels, spec.channels, config.widths, config.depths)
    own = {n: t.float() if t.is_floating_point() else t for n, t in tensors.items()}
    scale = ScaleNet(config.channels) if any(n.startswith(SCALE) for n in own) else None
    try:
        network.load_state_dict({n: t for n, t in own.items() if not n.startswith((SCALE, KNOWN))})
        if scale is not None:
            scale.load_state_dict({n.removeprefix(SCALE): t for n, t in own.items() if n.startswith(SCALE)})
        known = Known.of(own)
    except (RuntimeError, KeyError) as error:
        raise InputError(file, "weights that do not fit the config", "a counter as it was saved") from error
    return config, network.eval(), scale and scale.eval(), known
