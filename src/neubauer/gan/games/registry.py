"""The games by the names that recipes call them by (`game = "image-gan"`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from neubauer.plugins import Registry

Family = Literal["images", "translation", "classifier", "sequences", "inpainting", "labelfree"]
"""What the games of a family are built from, behind their config:

- `images`: shape (C, Y, X), number of classes (0: none) -> `NoiseToImage`.
- `translation`: (channels of A, channels of B) -> `Translation`.
- `classifier`: network (`CellNet`), shape (C, Y, X) -> `ClassifierGame`.
- `sequences`: letters, length, number of classes -> `SequenceGan`.
- `inpainting`: channels -> a game whose generator is an `InpaintingNet`.
- `labelfree`: channels, layout, segmenter, terms of the layout's loss, activation -> `ImageLayout`.
"""


@dataclass(frozen=True)
class GameKind:
    """A game that recipes can name.

    Attributes
    ----------
    family : of games that one estimator can play.
    schema : of the config; its field `game` holds the name.
    build : config and what the family says -> game. Raises InputError where the game cannot be played with these.
    """

    family: Family
    schema: type[BaseModel]
    build: Callable[..., Any]


GAMES: Registry[GameKind] = Registry("game", "neubauer.gan.games", "neubauer.games")


def games_of(family: Family) -> dict[str, GameKind]:
    """The games of a family, by name."""
    return {name: kind for name, kind in GAMES.items() if kind.family == family}
