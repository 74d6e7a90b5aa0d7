"""What the counter's network minimises, and how its raw output becomes a layout."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from neubauer.layouts.spec import STRIDE, LayoutSpec

BLOCK = 16
"""Side, in layout pixels, of the blocks whose counts are compared beside the densities of single pixels."""


SHARPNESS = 5.0
"""Of the softplus that keeps densities positive: a plain one never gets to zero, and over the many pixels of the
background what is left of it adds up to cells that are not there."""


def density_unit(spec: LayoutSpec) -> float:
    """Peak density of one isolated cell: the network's output is in units of it, so that all maps are about 1."""
    return 1 / (2 * math.pi * (spec.density_sigma * spec.diameter / STRIDE) ** 2)


def activate(raw: Tensor, spec: LayoutSpec) -> Tensor:
    """Raw output (N, M, Y, X) of the network -> layout, float32.

    Probabilities, offsets, and densities that integrate to counts.
    """
    raw = raw.float()
    classes = raw[:, spec.class_maps]
    return torch.cat(
        [
            raw[:, spec.centre : spec.centre + 1].sigmoid(),
            raw[:, spec.offset],
            raw[:, spec.foreground : spec.foreground + 1].sigmoid(),
            classes.softmax(1),
            F.softplus(raw[:, spec.density], beta=SHARPNESS) * density_unit(spec),
        ],
        1,
    )


def layout_loss(raw: Tensor, maps: Tensor, known: Tensor, spec: LayoutSpec, class_weight: Tensor) -> dict[str, Tensor]:
    """The terms of the loss, each a mean over the pixels where the annotation is known.

    Parameters
    ----------
    raw : (N, M, Y, X) output of the network.
    maps, known : (N, M, Y, X) from `neubauer.layouts.encode`.
    class_weight : (K,) weight of each class's pixels.

    Returns
    -------
    dict of scalars: centre (weighted cross-entropy), offset (smooth L1), foreground (cross-entropy + Dice, Milletari et
    al. 2016), class (weighted cross-entropy), density and count (squared errors of pixels, and of the counts of
    blocks).
    """
    raw = raw.float()
    terms: dict[str, Tensor] = {}
    centre, target, weight = raw[:, spec.centre], maps[:, spec.centre], known[:, spec.centre]
    cross = F.binary_cross_entropy_with_logits(centre, target, reduction="none")
    terms["centre"] = _mean(cross, weight * (1 + 5 * target))

    error = F.smooth_l1_loss(raw[:, spec.offset], maps[:, spec.offset], beta=0.1, reduction="none")
    terms["offset"] = 2 * _mean(error, known[:, spec.offset])

    front, target, weight = raw[:, spec.foreground], maps[:, spec.foreground], known[:, spec.foreground]
    cross = F.binary_cross_entropy_with_logits(front, target, reduction="none")
    probability = front.sigmoid()
    dice = 1 - (2 * (probability * target * weight).sum() + 1) / (((probability + target) * weight).sum() + 1)
    terms["foreground"] = _mean(cross, weight) + 0.5 * dice

    if len(spec.classes) > 1:
        log_p = raw[:, spec.class_maps].log_softmax(1)
        weight = (known[:, spec.class_maps] * maps[:, spec.class_maps]) * class_weight[None, :, None, None]
        terms["class"] = 0.5 * -(log_p * weight).sum() / weight.sum().clamp_min(1)

    unit = density_unit(spec)
    predicted = F.softplus(raw[:, spec.density], beta=SHARPNESS)
    target, weight = maps[:, spec.density] / unit, known[:, spec.density]
    terms["density"] = 4 * _mean((predicted - target) ** 2, weight)
    counts = [F.avg_pool2d(m * weight, BLOCK) * BLOCK**2 * unit for m in (predicted, target)]
    # squared: the absolute error would be least at the median
    terms["count"] = 0.2 * ((counts[0] - counts[1]) ** 2).mean()
    return terms


def _mean(value: Tensor, weight: Tensor) -> Tensor:
    return (value * weight).sum() / weight.sum().clamp_min(1)
