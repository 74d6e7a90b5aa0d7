"""Recipes: one small TOML file per named game, holding what differs from the defaults, what it is and where it comes
from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from neubauer.errors import InputError
from neubauer.gan.config.base import merge, nearest

DEFAULT_GENERATOR = "dcgan-r1"


def recipe_names(*games: str) -> list[str]:
    """Names of the recipes of these games, of all games without an argument."""
    names = sorted(f.name.removesuffix(".toml") for f in files(__name__).iterdir() if f.name.endswith(".toml"))
    return [n for n in names if not games or _read(n)["game"] in games]


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
    return tomllib.loads((files(__name__) / f"{name}.toml").read_text())
