"""How good is a counter that was trained on drawings alone? Against the same network and steps with all annotations.

Drawings: the simulator and renderer with parameters from the unlabelled training images
(`neubauer.layouts.simulator.estimate`), and probabilities from further drawings; no annotation is used. Results are
added to `results/procedural.json` run by run, so that a stopped run goes on.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from datasets import SETS, Item, data_option, pairs_of, split_groups
from report import read_runs, write_result

from neubauer.cells.annotation import Annotation
from neubauer.images.normalise import normalise, percentile_limits
from neubauer.images.read import ImageSource, from_array
from neubauer.images.resample import resample
from neubauer.layouts.simulator.estimate import Estimate, estimate
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.simulator.scale import diameters, measure_scale
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.config import CounterConfig
from neubauer.models.counter.crops import TrainingImage
from neubauer.models.counter.evaluate import evaluate_counter
from neubauer.models.counter.fit import FitSettings, fit_network
from neubauer.models.counter.prepare import annotated_diameters, split, training_image
from neubauer.models.counter.supervised import CELL_SIGMA, POINT_SIGMA
from neubauer.models.estimators.cell_counter import CellCounter
from neubauer.models.labelfree.crops import mixed
from neubauer.models.labelfree.presets import preset
from neubauer.models.labelfree.simulate import Paint, procedural, synthetic_images
from neubauer.models.shared.inputs import Annotated
from neubauer.nets.unet import LayoutNet

NAME = "procedural"
CENTRE, FOREGROUND = 0.45, 0.5
"""Thresholds, the same for all sets, chosen on validation images: those that are best for drawings find too much in
real images."""


@dataclass(frozen=True)
class Protocol:
    """`preset` and `diameter` (pixels) are what the user says; the rest is found. `scores` are reported."""

    preset: str
    diameter: float | None
    scores: dict[str, tuple[str, str]]
    validation: int
    test: int
    steps: int = 600
    crop: int = 160
    drawings: int = 400
    side: int = 160  # as the crops: what a border looks like is learnt too


PROTOCOLS = {
    "bccd": Protocol(
        "blood-smear-labelfree",
        105,
        {n: (n, "f1") for n in ("RBC", "WBC", "Platelets")} | {"mae": ("total", "mae")},
        50,
        60,
        drawings=500,
        side=128,  # about that of the images, at the scale of the layout
    ),
    "dsb2018-fluorescence": Protocol(
        "nuclei-labelfree", None, {"f1": ("total", "f1"), "ap50": ("total", "ap50"), "mae": ("total", "mae")}, 40, 80
    ),
    "dsb2018-colour": Protocol(
        "tissue-labelfree", None, {"f1": ("total", "f1"), "ap50": ("total", "ap50"), "mae": ("total", "mae")}, 27, 27
    ),
    "mbm": Protocol("tissue-labelfree", 22, {"f1": ("total", "f1"), "mae": ("total", "mae")}, 8, 8),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=PROTOCOLS, default=list(PROTOCOLS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--part", choices=("validation", "test"), default="test")
    parser.add_argument("--name", default=NAME, help="of the results file")
    parser.add_argument("--steps", type=int, help="instead of the protocol's")
    data_option(parser)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.sets:
        protocol = PROTOCOLS[name]
        if arguments.steps:
            protocol = replace(protocol, steps=arguments.steps)
        items = SETS[name](arguments.data)
        validation, test, train = split_groups(items, [protocol.validation, protocol.test], 0)
        measured = pairs_of(test if arguments.part == "test" else validation)
        for seed in arguments.seeds:
            for method in arguments.methods:
                key = f"{name}-{arguments.part}-{method}-{seed}"
                if key in read_runs(arguments.name):
                    continue
                start = time.process_time()
                counter = METHODS[method](train, protocol, seed)
                minutes = (time.process_time() - start) / 60
                scores, _ = evaluate_counter(counter, measured)
                row = {label: round(scores[group][score], 4) for label, (group, score) in protocol.scores.items()}
                if "ap50" in row:  # TP / (TP + FP + FN) as F1
                    row["f1_at_iou50"] = round(2 * row["ap50"] / (1 + row["ap50"]), 4)
                row |= {"cpu_minutes": round(minutes, 2)}
                print(key, row, f"{(time.process_time() - start) / 60:.1f} CPU-minutes with evaluation", flush=True)
                write_result(arguments.name, summarise({**read_runs(arguments.name), key: row}))


def supervised(train: Sequence[Item], protocol: Protocol, seed: int) -> CellCounter:
    """All annotations, of which a fifth calibrates."""
    pairs = pairs_of(train)
    counter = CellCounter(
        diameter=protocol.diameter if pairs[0].annotation.kind == "points" else None,
        settings=FitSettings(protocol.steps, crop=protocol.crop, seed=seed),
    )
    return counter.fit([p.source for p in pairs], [p.annotation for p in pairs], groups=[i.group for i in train])


def unlabelled(train: Sequence[Item], protocol: Protocol, seed: int) -> CellCounter:
    """Drawings alone."""
    counter = CellCounter(settings=FitSettings(protocol.steps, crop=protocol.crop, seed=seed))
    found, own = fitted([p.source for p in pairs_of(train)], protocol, counter.layout_diameter)
    population = found.population
    config = CounterConfig(
        classes=population.classes,
        channels=found.appearance.channels,
        diameter=float(np.median(own)),
        diameter_range=(float(np.quantile(own, 0.02)), float(np.quantile(own, 0.98))),
        extents=True,
    )
    spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
    torch.manual_seed(seed)
    network = LayoutNet(config.channels, spec.channels, config.widths, config.depths)
    counter.network_ = fit_network(network, drawings(found, protocol, seed), spec, counter.settings)
    scale = counter.layout_diameter  # of the drawings
    counter.set(config.model_copy(update={"diameter": scale, "diameter_range": (scale, scale)}))
    paint = procedural(population, found.appearance)
    counter.calibrate(drawn_pairs(population, paint, protocol.side, seed))
    names = (*config.classes, "total")
    calibration = counter.config.calibration.model_copy(
        update={
            "centre": (CENTRE,) * len(config.classes),
            "foreground": (FOREGROUND,) * len(config.classes),
            "count_method": dict.fromkeys(names, "peaks"),
        }
    )
    counter.set(config.model_copy(update={"calibration": calibration}))
    return counter


def drawings(found: Estimate, protocol: Protocol, seed: int) -> list[TrainingImage]:
    """Half of them with more of the rare kinds."""
    paint, half = procedural(found.population, found.appearance), protocol.drawings // 2
    common = synthetic_images(found.population, paint, half, protocol.side, 2 * seed)
    return common + synthetic_images(found.population.balanced(), paint, half, protocol.side, 2 * seed + 1)


def drawn_pairs(population: Population, paint: Paint, side: int, seed: int) -> list[Annotated]:
    """Annotated drawings at the scale of the layout, to calibrate with."""
    pairs = []
    for image in synthetic_images(population, paint, 30, side, seed + 10_000):
        marks = image.marks
        source = from_array(image.pixels.astype(np.float32), axes="CYX")
        annotation = Annotation(
            "masks", marks.labels.shape, population.classes, marks.class_index, marks.centres, labels=marks.labels
        )
        pairs.append(Annotated(source, annotation))
    return pairs


def both(train: Sequence[Item], protocol: Protocol, seed: int) -> CellCounter:
    """All annotations, and drawings in three crops of ten."""
    pairs = pairs_of(train)
    counter = CellCounter(settings=FitSettings(protocol.steps, crop=protocol.crop, seed=seed))
    trained, held_out = split(pairs, counter.validation, seed, [i.group for i in train])
    points = pairs[0].annotation.kind == "points"
    typical, per_image, spread = annotated_diameters(pairs, protocol.diameter if points else None)
    found, _ = fitted([p.source for p in pairs], protocol, counter.layout_diameter)
    config = CounterConfig(
        classes=pairs[0].annotation.classes,
        channels=found.appearance.channels,
        diameter=typical,
        diameter_range=spread,
        extents=not points,
        density_sigma=POINT_SIGMA if points else CELL_SIGMA,
    )
    spec = LayoutSpec(config.classes, config.layout_diameter, config.density_sigma)
    torch.manual_seed(seed)
    network = LayoutNet(config.channels, spec.channels, config.widths, config.depths)
    real = [training_image(p, spec, per_image[id(p)], config.percentiles) for p in trained]
    images = mixed(drawings(found, protocol, seed), real, 0.7)
    counter.network_ = fit_network(network, images, spec, counter.settings)
    counter.set(config)
    return counter.calibrate(held_out)


METHODS = {"procedural": unlabelled, "supervised": supervised, "both": both}


def fitted(sources: Sequence[ImageSource], protocol: Protocol, layout_diameter: float) -> tuple[Estimate, np.ndarray]:
    """Population and appearance at the scale of the layout, and the diameter (pixels) found for each image."""
    images = [normalise(s.read(), percentile_limits(s)) for s in sources[:60]]
    population, appearance = preset(protocol.preset)
    bright = population.background == "dark"
    own, _ = diameters([measure_scale(i, bright) for i in images], protocol.diameter)
    scaled = [resample(i, layout_diameter / d) for i, d in zip(images, own, strict=True)]
    return estimate(scaled, population, appearance, diameter=layout_diameter), own


def summarise(runs: dict[str, dict[str, float]]) -> dict[str, object]:
    """Mean and spread per set, part and method."""
    groups: dict[str, list[dict[str, float]]] = {}
    for key, run in runs.items():
        groups.setdefault(key.rsplit("-", 1)[0], []).append(run)
    rows = []
    for name, members in groups.items():
        row: dict[str, object] = {"run": name, "seeds": len(members)}
        for score in members[0]:
            values = np.array([m[score] for m in members])
            row[score] = round(float(values.mean()), 3)
            row[f"{score}_sd"] = round(float(values.std(ddof=1)), 3) if len(values) > 1 else None
        rows.append(row)
    return {"rows": rows, "runs": runs}


if __name__ == "__main__":
    main()
