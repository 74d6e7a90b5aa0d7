"""From a recipe to its game."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import BaseModel

from neubauer.errors import InputError
from neubauer.gan.config.base import nearest
from neubauer.gan.data.images import ImageSet
from neubauer.gan.games.registry import GAMES, Family, games_of


def schema_of(tables: Mapping[str, Any], where: str, family: Family) -> type[Any]:
    """The schema of the config of a recipe, whose game has to be of a family.

    Raises
    ------
    InputError : it is of another family, or not known; the nearest name is suggested.
    """
    game, known = str(tables.get("game")), games_of(family)
    if game not in known:
        raise InputError(where, f"game = {game!r}", f"a recipe for {family}: {nearest(game, known)}")
    return known[game].schema


def build_game(config: BaseModel, *given: Any) -> Any:
    """The game of a config, with weights that depend only on the config's seed.

    Parameters
    ----------
    config : with the fields `game` and `training.seed`.
    given : what its family says, see `neubauer.gan.games.registry.Family`.

    Raises
    ------
    InputError : the game cannot be played with these.
    """
    fields: Any = config
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(fields.training.seed)
        return GAMES[fields.game].build(config, *given)


def data_fingerprint(images: ImageSet) -> dict[str, object]:
    """What a run remembers of its data, so that it is not resumed on other data."""
    return {
        "n": len(images),
        "shape": list(images.shape),
        "dtype": images.intensity.dtype,
        "classes": list(images.classes),
    }
