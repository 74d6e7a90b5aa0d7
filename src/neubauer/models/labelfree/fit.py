"""`CellCounter.fit` without annotations, or with few among many images."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from neubauer.errors import InputError
from neubauer.gan.config.base import validate
from neubauer.gan.config.labelfree import LabelFreeConfig
from neubauer.images.read import ImageSource
from neubauer.layouts.simulator.appearance import Appearance
from neubauer.layouts.simulator.estimate import Estimate, estimate
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.simulator.sheet import contact_sheet, save_contact_sheet
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.counter.config import Calibration, CounterConfig
from neubauer.models.counter.plan import TrainingPlan
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.counter.prepare import annotated_diameters, cell_diameters, split, training_image
from neubauer.models.counter.tune import calibrate
from neubauer.models.labelfree import trust
from neubauer.models.labelfree.crops import Found, as_annotated, find, scaled_pixels
from neubauer.models.labelfree.inputs import Annotations, collect_images, labelfree_config, scales
from neubauer.models.labelfree.refit import measured_kinds, population_distance
from neubauer.models.labelfree.repaint import repaint
from neubauer.models.labelfree.simulate import synthetic_images
from neubauer.models.labelfree.stages import Progress, Stages
from neubauer.models.shared.inputs import WHOLE, Annotated, ImageLike, Reading
from neubauer.nets.unet import LayoutNet

ESTIMATED_FROM = 60
"""Images that the simulator is first fitted to, at most."""
JUDGED_BY = 40
"""Images that the trust is measured on, at most."""
HELD_OUT = 12
"""Simulated images for the calibration."""
LEAST_HELD_OUT = 4
"""Annotated images that a calibration takes, at least: fewer say less than simulated ones, and are all trained on."""
LEAST_WIDTH = 1.0
"""Intervals are at least this many times sqrt(count + 1) wide to each side."""
PERCENTILES = (1.0, 99.8)
POLARITY_FROM = 12
"""Images by which it is found whether cells are bright or dark."""


def fit_labelfree(
    plan: TrainingPlan,
    images: str | Path | Sequence[ImageLike],
    annotations: Annotations = None,
    *,
    classes: Sequence[str] | None = None,
    groups: Sequence[str] | None = None,
    config: LabelFreeConfig | str | None = None,
    report: Callable[[int, dict[str, float]], None] | None = None,
    preview: str | Path | None = None,
    reading: Reading = WHOLE,
) -> tuple[TrainedCounter, Stages]:
    """Train a counter from images alone, or from many images of which a few are annotated.

    Parameters
    ----------
    plan : sizes of network and cells, share for validation, and seed.
    images, annotations, classes, report, reading : see `CellCounter.fit`; of a sequence of annotations those may be
        None that there are not.
    config : of the training, or the name of a recipe.
    preview : PNG file that shows what is understood of six images, brought up to date during the training; beside it,
        `NAME-assumed.png` shows what is assumed of the cells, real crops above drawings.

    Returns
    -------
    The counter, and everything that was learnt on the way: the simulator, the painter.

    Raises
    ------
    InputError : no usable image, channels differ, or the images do not say whether cells are bright or dark, how large
        they are (without a diameter the background must be given, or be in the recipe), or that there are any.
    """
    c, start, seed = labelfree_config(config), time.monotonic(), plan.settings.seed
    if classes is None and c.population:
        classes = validate(Population, c.population, "population").classes
    sources, annotated = collect_images(images, annotations, classes, reading)
    train, held_out = split(annotated, plan.validation, seed, groups) if len(annotated) > 1 else (annotated, [])
    if len(held_out) < LEAST_HELD_OUT:
        train, held_out = annotated, []
    rng = np.random.default_rng(seed)
    if len(sources) > c.images:
        sources = [sources[i] for i in sorted(rng.choice(len(sources), c.images, replace=False))]
    seen = [*sources, *(p.source for p in train)]
    given, by_hand = plan.diameter, None
    if given is None and annotated:
        given, of_image, _ = annotated_diameters(annotated, None)
        by_hand = {id(p.source): of_image[id(p)] for p in annotated}
    if given is None:
        given = _measured(seen, c)
    prior = _prior(c, annotated, given)
    names = prior.classes if prior is not None else tuple(classes or ("cell",))
    if prior is None and len(names) > 1:
        raise InputError("classes", f"{len(names)} classes of unknown size", "`population` with kinds, or a recipe")
    spec = LayoutSpec(tuple(names), plan.layout_diameter)
    pixels, own, population, appearance = _look_at(seen, given, spec, c, prior, by_hand)
    by_source = dict(zip(map(id, seen), own, strict=True))
    if preview is not None:
        assumed = Path(preview).with_name(f"{Path(preview).stem}-assumed.png")
        save_contact_sheet(assumed, contact_sheet(pixels, population, appearance))
    stages = Stages(
        c,
        spec,
        plan.widths,
        plan.depths,
        pixels,
        population,
        appearance,
        [training_image(p, spec, by_source[id(p.source)], PERCENTILES) for p in train],
        Progress(report),
        None if preview is None else Path(preview),
    )
    network = stages.run(seed)
    typical, spread = float(np.median(own)), (float(own.min()), float(own.max()))
    draft = CounterConfig(
        classes=spec.classes,
        channels=len(pixels[0]),
        widths=plan.widths,
        depths=plan.depths,
        layout_diameter=spec.diameter,
        density_sigma=spec.density_sigma,
        diameter=spec.diameter,
        diameter_range=(spec.diameter, spec.diameter),
        extents=True,
        percentiles=PERCENTILES,
    )
    calibration = _calibrate(network, draft, stages, seed)
    numbers, calibration = _judge(stages, calibration, seed)
    reasons = trust.doubts(numbers)
    for reason in reasons:
        warnings.warn(f"how far to trust this counter: {reason}", stacklevel=3)
    facts = {
        "images": len(seen),
        "annotated_images": len(train),
        "annotation": sorted({p.annotation.kind for p in annotated}),
        "cells": int(sum(len(p.annotation) for p in train)),
        "steps": c.total_steps,
        "seed": seed,
        "minutes": round((time.monotonic() - start) / 60, 1),
        "calibrated_on": "annotated images" if held_out else "simulated images",
        "trust": {name: round(value, 3) for name, value in numbers.items()},
        "doubts": reasons,
        "recipe": c.recipe,
        "population": stages.population.model_dump(mode="json"),
        "appearance": stages.appearance.model_dump(mode="json"),
    }
    final = draft.model_copy(
        update={"diameter": typical, "diameter_range": spread, "calibration": calibration, "training": facts}
    )
    counter = TrainedCounter().set(final, network)
    if held_out:
        calibrate(counter, held_out)
    return counter, stages


def _measured(sources: Sequence[ImageSource], c: LabelFreeConfig) -> float:
    """Typical diameter of the cells, pixels, from the images themselves; says so."""
    background = c.background or c.population.get("background")
    if background is None:
        expected = "the typical diameter of the cells in pixels, roughly; or the background, so that it can be measured"
        raise InputError("diameter", "none", expected)
    typical = float(np.median(scales(sources, None, background == "dark", PERCENTILES)))
    warnings.warn(
        f"no diameter is given: compact structures in the images measure about {typical:.0f} px", stacklevel=4
    )
    return typical


def _prior(c: LabelFreeConfig, annotated: Sequence[Annotated], given: float) -> Population | None:
    """What is known of the cells before looking: the recipe's population, else the annotated cells."""
    if c.population:
        population = validate(Population, c.population, "population")
        marked = annotated[0].annotation.classes if annotated else population.classes
        if len(marked) == len(population.kinds) == 1:  # masks without class names: the same cells under another name
            kind = population.kinds[0].model_copy(update={"name": marked[0]})
            population = population.model_copy(update={"kinds": (kind,)})
        if population.classes != marked:
            found = f"classes {', '.join(marked)}"
            raise InputError("annotations", found, f"those of the recipe: {', '.join(population.classes)}")
        return population
    if not annotated:
        return None
    marked = annotated[0].annotation.classes
    sizes: list[list[np.ndarray]] = [[] for _ in marked]
    for pair in annotated:
        d = cell_diameters(pair.annotation)
        index = pair.annotation.class_index if len(marked) > 1 else np.zeros(len(pair.annotation), np.int64)
        for k in range(len(marked)):
            sizes[k].append(d[index[: len(d)] == k])
    return Population.model_validate({"kinds": measured_kinds(marked, [np.concatenate(d) for d in sizes], given)})


def _look_at(
    sources: Sequence[ImageSource],
    given: float,
    spec: LayoutSpec,
    c: LabelFreeConfig,
    prior: Population | None,
    by_hand: dict[int, float] | None,
) -> tuple[list[np.ndarray], np.ndarray, Population, Appearance]:
    """Pixels at the scale of the layout, the diameter of each image, and the simulator fitted to them.

    `by_hand` has the diameters of annotated sources, by their `id`, where nobody has said one for all.
    """
    looks = validate(Appearance, c.appearance, "appearance") if c.appearance else None
    if prior is None:
        prior = Population.model_validate({"kinds": [{"name": spec.classes[0], "diameter": given}]})

    def fitted(images: Sequence[np.ndarray], at_most: int) -> Estimate:
        chosen = np.linspace(0, len(images) - 1, min(at_most, len(images))).round().astype(int)
        return estimate([images[i] for i in chosen], prior, looks, diameter=spec.diameter, background=background)

    def scaled(own: np.ndarray) -> list[np.ndarray]:
        return [scaled_pixels(s, spec, d, PERCENTILES) for s, d in zip(sources, own, strict=True)]

    own = np.full(len(sources), given)
    pixels = scaled(own)
    if looks is not None and looks.channels != len(pixels[0]):
        raise InputError(
            f"recipe {c.recipe}",
            f"images of {len(pixels[0])} channels",
            f"images of {looks.channels}, or another recipe",
        )
    background = c.background or c.population.get("background")
    if background is None:
        background = fitted(pixels, POLARITY_FROM).population.background
    annotated = None if by_hand is None else [by_hand.get(id(s)) for s in sources]
    own = scales(sources, given, background == "dark", PERCENTILES, annotated)
    if not np.allclose(own, given):
        pixels = scaled(own)
    found = fitted(pixels, ESTIMATED_FROM)
    for text in found.warnings:
        warnings.warn(text, stacklevel=4)
    return pixels, own, found.population, found.appearance


def _calibrate(network: LayoutNet, draft: CounterConfig, stages: Stages, seed: int) -> Calibration:
    """Probabilities and intervals from simulated images; thresholds and the way of counting are set."""
    made = stages.simulated(HELD_OUT, seed + 60)
    counter = TrainedCounter().set(draft, network)
    calibrate(counter, [as_annotated(image, draft.classes, i) for i, image in enumerate(made)])
    found = counter.config.calibration
    return found.model_copy(
        update={
            "centre": stages.thresholds.centre,
            "foreground": stages.thresholds.foreground,
            "count_method": dict.fromkeys(found.count_method, "peaks"),
        }
    )


def _judge(stages: Stages, calibration: Calibration, seed: int) -> tuple[dict[str, float], Calibration]:
    """The numbers of `labelfree_trust`, and the calibration with intervals that hold what they show."""
    network, spec = stages.network, stages.spec
    assert network is not None
    chosen = np.linspace(0, len(stages.images) - 1, min(JUDGED_BY, len(stages.images))).round().astype(int)
    images = [stages.images[i] for i in chosen]

    def look(net: LayoutNet, pixels: Sequence[np.ndarray]) -> list[Found]:
        return [find(net, spec, p, stages.thresholds) for p in pixels]

    found = look(network, images)
    if not trust.counts(found).sum():
        raise InputError("images", f"no cell in any of {len(images)} images", "images with cells of the given diameter")
    made = synthetic_images(stages.population, stages.paint, HELD_OUT, stages.side, seed + 70)
    simulated = look(network, [m.pixels.astype(np.float32) for m in made])
    again = look(network, [repaint(f, stages.paint, seed) for f in found])
    numbers = {
        "density_difference": trust.density_difference(found),
        "cycle_f1": trust.agreement(found, again, spec.diameter),
        "images_without_cells": float((trust.counts(found) == 0).mean()),
        **{f"population_{name}": value for name, value in population_distance(found, simulated).items()},
    }
    other = found
    if stages.config.twin_steps:
        other = look(stages.twin(seed), images)
        numbers["seeds_f1"] = trust.agreement(found, other, spec.diameter)
        numbers["seeds_count_difference"] = trust.count_difference(found, other)
    return numbers, trust.widened(calibration, found, other, LEAST_WIDTH)
