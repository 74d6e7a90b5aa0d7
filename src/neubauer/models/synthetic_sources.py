"""Where labelled synthetic images come from: a preset, one fitted to images, or a counter trained without labels."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from neubauer.errors import InputError
from neubauer.layouts.appearance import Appearance
from neubauer.layouts.population import Population
from neubauer.models.labelfree_inputs import collect_images
from neubauer.models.population_presets import preset, preset_names
from neubauer.models.registry import resolve
from neubauer.models.synthetic_set import SyntheticSource, source_like, source_of_appearance
from neubauer.nets.store import read_header


def find_source(model: str, like: Path | None, diameter: float | None) -> tuple[SyntheticSource, tuple[str, ...]]:
    """What `model` stands for, and what to be warned of.

    Parameters
    ----------
    model : name of a preset, or a counter file that holds a simulator.
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
    """The simulator that a counter was trained with, at the scale of its training images.

    Raises
    ------
    InputError : not a model file, or not of a counter that was trained without annotation.
    """
    file = resolve(model)
    header = read_header(file)
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
