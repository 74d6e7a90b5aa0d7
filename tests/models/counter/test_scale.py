"""A small network sees how large cells are, whether there are any, and whether an image is a negative."""

from __future__ import annotations

import numpy as np
import pytest
from scenes import discs

from neubauer.cells.annotation import Annotation
from neubauer.images.normalise import percentile_limits
from neubauer.images.read import from_array
from neubauer.models.counter.augment import Augmentation
from neubauer.models.counter.fit import FitSettings
from neubauer.models.counter.scale import look_at
from neubauer.models.counter.scale_fit import ScaleSettings, fit_scale, typical_diameters
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.shared.inputs import Annotated
from neubauer.nets.scale import ScaleNet

DIAMETER = 13.0
STILL = Augmentation(often=(0, 0, 0.3, 0))


def scene(seed: int, n: int = 10) -> Annotated:
    image, annotation = discs(n, seed=seed)
    return Annotated(from_array(image), annotation)


def empty(seed: int) -> Annotated:
    noise = np.random.default_rng(seed).normal(900, 60, (120, 120)).astype(np.uint16)
    nothing = Annotation("masks", (120, 120), ("cell",), np.zeros(0, np.int64), np.zeros((0, 2)))
    nothing = Annotation(**(vars(nothing) | {"labels": np.zeros((120, 120), np.int32)}))
    return Annotated(from_array(noise), nothing)


@pytest.fixture(scope="module")
def network() -> ScaleNet:
    pairs = [scene(i) for i in range(8)] + [empty(i) for i in range(3)]
    settings = ScaleSettings(steps=160, batch=8, average=0.9, augmentation=STILL)
    return fit_scale(pairs, typical_diameters(pairs), settings, (1.0, 99.8))


def test_magnified_cells_are_seen_to_be_larger(network: ScaleNet) -> None:
    image = discs(10, seed=50)[0]
    small, large = (
        look_at(network, source, percentile_limits(source))
        for source in (from_array(image), from_array(image.repeat(4, 0).repeat(4, 1)))
    )
    assert small.diameter is not None
    assert large.diameter is not None
    assert large.diameter > 2 * small.diameter
    assert max(small.negative, large.negative) < 0.5


def test_a_negative_is_seen(network: ScaleNet) -> None:
    image = discs(10, seed=51)[0]
    source = from_array(image.max() - image)
    assert look_at(network, source, percentile_limits(source)).negative > 0.5


def test_a_place_without_cells_is_seen(network: ScaleNet) -> None:
    cells, nothing = (pair(60).source for pair in (scene, empty))
    with_cells, without = (look_at(network, s, percentile_limits(s)).cells for s in (cells, nothing))
    assert with_cells > 0.6
    assert without < 0.5 * with_cells


def test_a_counter_turns_a_negative_says_so_and_keeps_all_this_in_its_file(network: ScaleNet, tmp_path) -> None:
    pairs = [scene(i) for i in range(8)]
    model = CellCounter(settings=FitSettings(steps=120, batch=4, crop=96), widths=(16, 24, 32), depths=(1, 1, 1))
    model.fit([p.source for p in pairs], [p.annotation for p in pairs])
    model.set(model.config, scale=network)
    image = discs(10, seed=52)[0]
    negative = image.max() - image
    model.save(tmp_path / "counter.safetensors")
    counter = CellCounter.load(tmp_path / "counter.safetensors")
    plain, turned = (counter.predict(i, diameter=DIAMETER) for i in (image, negative))
    assert abs(len(plain) - 10) <= 2
    assert abs(len(turned) - len(plain)) <= 1
    assert any("negative" in flag for flag in turned.flags)
    assert not any("negative" in flag for flag in plain.flags)
    # what the training images look like is in the file, too
    assert counter.known_ is not None
    usual = counter.known_.distances(counter.locate(from_array(image))[0].features).mean()
    rng = np.random.default_rng(0)
    chequers = (np.indices((120, 120)).sum(0) // 3 % 2 * 3000 + rng.normal(500, 50, (120, 120))).astype(np.uint16)
    strange = counter.predict(chequers, diameter=DIAMETER)
    assert any("unlike" in flag for flag in strange.flags)
    assert strange.unfamiliar is not None
    assert usual < 1.5
    low, high = strange.estimates["total"].low, strange.estimates["total"].high
    again = plain.estimates["total"]
    relative = (high - low) / (strange.estimates["total"].count + 1), (again.high - again.low) / (again.count + 1)
    assert relative[0] > 1.5 * relative[1]
