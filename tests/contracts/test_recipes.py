"""What every recipe promises."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from neubauer.errors import InputError
from neubauer.gan.config.base import merge, validate
from neubauer.gan.config.translation import ClassicalConfig
from neubauer.gan.games.registry import GAMES
from neubauer.images.stain_transfer import METHODS
from neubauer.recipes import _files, load_recipe, recipe_names


@pytest.mark.parametrize("name", recipe_names())
def test_fits_the_schema_of_its_game_and_names_its_source(name: str) -> None:
    tables = load_recipe(name)
    schema = ClassicalConfig if tables["game"] in METHODS else GAMES[tables["game"]].schema
    config = validate(schema, tables, f"recipe {name}")
    assert (config.recipe, config.game) == (name, tables["game"])  # type: ignore[attr-defined]
    assert tables.get("description")
    assert tables.get("source")
    with pytest.raises(InputError, match=f"recipe {name}: found unknown key 'sauce'; expected 'source'?"):
        validate(schema, merge(tables, {"sauce": 1}), f"recipe {name}")


def test_unknown_names_are_answered_with_the_nearest() -> None:
    with pytest.raises(InputError, match="dcgan"):
        load_recipe("dcgam")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("mine", 'game = "image-gan', "TOMLDecodeError"),
        ("mine", 'source = "a paper"', r"mine\.toml: found no game"),
        ("dcgan", 'game = "image-gan"', "two recipes are called 'dcgan'"),
    ],
)
def test_a_broken_package_outside_costs_its_own_recipes(
    name: str, text: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = recipe_names()
    info = tmp_path / "more-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: more\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[neubauer.recipes]\nmore = more_recipes\n")
    package = tmp_path / "more_recipes"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / f"{name}.toml").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "more_recipes", raising=False)
    _files.cache_clear()
    try:
        with pytest.warns(UserWarning, match=f"the recipes 'more' of more cannot be used: .*{reason}"):
            assert recipe_names() == known
        assert "dcgan" in recipe_names("image-gan")
    finally:
        _files.cache_clear()
        sys.modules.pop("more_recipes", None)
