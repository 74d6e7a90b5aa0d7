"""A network that has seen nothing but drawings finds the cells of images that the simulator was fitted to."""

from __future__ import annotations

import numpy as np
import torch
from scenes import discs

from neubauer.images.normalise import normalise, percentile_limits
from neubauer.images.read import from_array
from neubauer.layouts.decode import Thresholds
from neubauer.layouts.simulator.estimate import estimate
from neubauer.layouts.spec import LayoutSpec
from neubauer.metrics.detection import match_masks
from neubauer.models.counter.fit import FitSettings, fit_network
from neubauer.models.counter.layout import predict_layout
from neubauer.models.counter.objects import find_objects
from neubauer.models.labelfree.simulate import procedural, synthetic_images
from neubauer.nets.unet import LayoutNet


def test_cells_are_found_without_a_single_label():
    scenes = [discs(12 + 2 * i, seed=i) for i in range(10)]
    sources = [from_array(pixels) for pixels, _ in scenes]
    images = [normalise(s.read(), percentile_limits(s)) for s in sources]
    population, appearance, _ = estimate(images, diameter=13)
    drawings = synthetic_images(population, procedural(population, appearance), 40, 96, seed=0)
    spec = LayoutSpec(population.classes, 13.0)
    torch.manual_seed(0)
    settings = FitSettings(steps=120, batch=8, crop=64, learning_rate=6e-3, average=0.95)
    network = fit_network(LayoutNet(1, spec.channels, (16, 24, 32), (1, 1, 1)), drawings, spec, settings)
    hits = found = there = 0
    for source, (_, annotation) in zip(sources, scenes, strict=True):
        layout = predict_layout(network, spec, source, percentile_limits(source), 1.0)
        objects = find_objects(layout, Thresholds((0.3,), (0.5,)), spec.diameter)
        hits += len(match_masks(np.asarray(annotation.labels), objects.centres))
        found, there = found + len(objects), there + len(annotation)
    assert 2 * hits / (found + there) > 0.85
