"""What every recipe promises."""

from __future__ import annotations

import pytest

from neubauer.errors import InputError
from neubauer.gan.config.base import merge, validate
from neubauer.gan.config.translation import ClassicalConfig
from neubauer.gan.games.registry import GAMES
from neubauer.images.stain_transfer import METHODS
from neubauer.recipes import load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_fits_the_schema_of_its_game_and_names_its_source(name: str) -> None:
    tables = load_recipe(name)
    schema = ClassicalConfig if tables["game"] in METHODS else GAMES[tables["game"]].schema
    config = validate(schema, tables, f"recipe {name}")
    assert (config.recipe, config.game) == (name, tables["game"])  # type: ignore[attr-defined]
    assert tables.get("description")
    assert tables.get("source")
    with pytest.raises(InputError, match=f"recipe {name}"):
        validate(schema, merge(tables, {"no_such_key": 1}), f"recipe {name}")


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="dcgan"):
        load_recipe("dcgam")
