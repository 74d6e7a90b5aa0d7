"""Recipes: one small TOML file per named game, holding what differs from the defaults, what it is and where it comes
from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import ModuleType
from typing import Any

from neubauer.errors import InputError, NeubauerError
from neubauer.gan.config.base import merge, nearest
from neubauer.plugins import load

DEFAULT_GENERATOR = "dcgan-r1"
GROUP = "neubauer.recipes"
"""Of entry points; each names a package with TOML files."""


def recipe_names(*games: str) -> list[str]:
    """Names of the recipes of these games, of all games without an argument."""
    return [n for n in sorted(_files()) if not games or _read(n)["game"] in games]


def load_recipe(name: str, changes: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A recipe as nested tables, `recipe` (its name) among them, with `changes` laid over it.

    Raises
    ------
    InputError : no such recipe; the nearest name is suggested.
    """
    if name not in recipe_names():
        raise InputError("recipe", repr(name), nearest(name, recipe_names()))
    return merge({"recipe": name, **_read(name)}, changes or {})


def _read(name: str) -> dict[str, Any]:
    return _parse(_files()[name])


def _parse(file: Traversable) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def _files() -> dict[str, Traversable]:
    """The files of all recipes by name: ours, and those of packages that distributions name as entry points."""
    found = _in(files(__name__))

    def added(package: ModuleType) -> dict[str, Traversable]:
        more = _in(files(package))
        for name, file in more.items():
            if name in found:
                raise NeubauerError(f"two recipes are called {name!r}")
            if not isinstance(_parse(file).get("game"), str):
                raise InputError(file.name, "no game", "a recipe that names its game")
        return more

    for point in entry_points(group=GROUP):
        found |= load(point, "recipes", added) or {}
    return found


def _in(folder: Traversable) -> dict[str, Traversable]:
    return {file.name.removesuffix(".toml"): file for file in folder.iterdir() if file.name.endswith(".toml")}
