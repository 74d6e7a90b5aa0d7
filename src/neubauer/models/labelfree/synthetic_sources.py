"""Where labelled synthetic images come from: a preset, one fitted to images, or a counter trained without labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from neubauer.errors import InputError
from neubauer.layouts.simulator.appearance import Appearance
from neubauer.layouts.simulator.population import Population
from neubauer.models.labelfree.inputs import collect_images
from neubauer.models.labelfree.painter import KIND as PAINTER
from neubauer.models.labelfree.painter import load_painter
from neubauer.models.labelfree.presets import preset, preset_names
from neubauer.models.labelfree.synthetic_set import SyntheticSource, source_like, source_of_appearance
from neubauer.models.shared.bundled import resolve
from neubauer.nets.store import read_header


def find_source(model: str, like: Path | None, diameter: float | None) -> tuple[SyntheticSource, tuple[str, ...]]:
    """What `model` stands for, and what to be warned of.

    Parameters
    ----------
    model : name of a preset, a counter file that holds a simulator, or a painter file.
    like : folder of images that a preset is fitted to.
    diameter : typical cell diameter of the images of `like` or, without it, of the images to be made; pixels.

    Raises
    ------
    InputError : `model` is neither, or the images cannot be used.
    """
    if model in preset_names():
        population, appearance = preset(model)
        if like is not None:
            return source_like(collect_images(like, None, None)[0], population, appearance, diameter)
        if diameter is not None:
            population = population.scaled(diameter / population.typical_diameter)
        return source_of_appearance(population, appearance), ()
    if like is not None:
        raise InputError(model, "no preset", f"with --like, one of {', '.join(preset_names())}")
    return source_of_counter(model, diameter), ()


def source_of_counter(model: str, diameter: float | None) -> SyntheticSource:
    """The simulator that a counter was trained with, at the scale of its training images; or a painter, at its own.

    Raises
    ------
    InputError : not a model file, not of a counter that was trained without annotation, or a painter at another
        diameter than it learnt.
    """
    file = resolve(model)
    header = read_header(file)
    if header["kind"] == PAINTER:
        return _source_of_painter(file, diameter)
    training = header["config"].get("training", {})
    expected = f"a counter that was trained without annotation, or one of {', '.join(preset_names())}"
    if header["kind"] != "counter" or not {"population", "appearance"} <= set(training):
        raise InputError(file, f"a {header['kind']} without a simulator of its cells", expected)
    try:
        population, appearance = Population(**training["population"]), Appearance(**training["appearance"])
    except ValidationError as error:
        raise InputError(file, "a simulator of another version", expected) from error
    factor = (diameter or header["config"]["diameter"]) / population.typical_diameter
    return source_of_appearance(population.scaled(factor), appearance.scaled(factor))


def _source_of_painter(file: Path, diameter: float | None) -> SyntheticSource:
    model = load_painter(file)
    own = model.facts.population.typical_diameter
    if diameter is not None and abs(diameter / own - 1) > 0.05:
        raise InputError("diameter", f"{diameter:g} px", f"{own:.0f} px, at which this painter paints")
    plain = source_of_appearance(model.facts.population, model.facts.appearance)
    return replace(plain, paint=model.paint)
