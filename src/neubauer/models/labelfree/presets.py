"""Populations and appearances of the named presets, from their recipes."""

from __future__ import annotations

from neubauer.layouts.simulator.appearance import Appearance
from neubauer.layouts.simulator.population import Population
from neubauer.recipes import load_recipe, recipe_names

GAME = "labelfree"


def preset_names() -> list[str]:
    """Recipes that say what cells to expect."""
    return recipe_names(GAME)


def preset(name: str) -> tuple[Population, Appearance]:
    """What a recipe assumes of cells and of how they look.

    Raises
    ------
    InputError : no such recipe.
    """
    recipe = load_recipe(name)
    return Population(**recipe["population"]), Appearance(**recipe["appearance"])
