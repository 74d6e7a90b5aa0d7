"""`neubauer train counter` where there are no annotations: options to a config, and what to say at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neubauer.cli.common import changes_of, say
from neubauer.errors import InputError

if TYPE_CHECKING:
    from neubauer.gan.config.labelfree import LabelFreeConfig
    from neubauer.models.estimators.cell_counter import CellCounter


def config_of_options(
    recipe: str | None,
    settings: list[str] | None,
    background: str | None,
    classes: str | None,
    diameter: float | None,
    steps: int | None,
    batch: int,
    crop: int | None,
) -> LabelFreeConfig:
    """The config that the options of the command line say.

    Raises
    ------
    InputError : an unknown recipe or key, or a value that cannot be used; it is named.
    """
    from neubauer.gan.config.base import merge, validate
    from neubauer.gan.config.labelfree import LabelFreeConfig
    from neubauer.models.labelfree.inputs import labelfree_config

    tables = labelfree_config(recipe).model_dump(exclude_unset=True)
    sizes: dict[str, Any] = {"steps": steps, "crop": crop, "background": background, "batch": batch}
    tables = merge(tables, {k: v for k, v in sizes.items() if v is not None})
    if classes is not None:
        if recipe is not None:
            raise InputError("--classes", f"classes beside --recipe {recipe}", "one of them: a recipe has its classes")
        tables = merge(tables, {"population": {"kinds": parse_kinds(classes, diameter)}})
    return validate(LabelFreeConfig, merge(tables, changes_of(settings or [])), f"recipe {recipe or 'custom'}")


def parse_kinds(text: str, diameter: float | None) -> list[dict[str, Any]]:
    """`RBC=24,WBC=43` as kinds of cells; a single class may come without its diameter.

    Raises
    ------
    InputError : a diameter is missing or no positive number.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    kinds = []
    for part in parts:
        name, equals, size = part.partition("=")
        value = size if equals else (diameter if len(parts) == 1 else None)
        try:
            pixels = float(value) if value is not None else -1.0
        except ValueError:
            pixels = -1.0
        if not pixels > 0 or not name.strip():
            raise InputError("--classes", repr(part), "NAME=DIAMETER with the diameter in pixels, as in RBC=24,WBC=43")
        kinds.append({"name": name.strip(), "diameter": pixels})
    return kinds


def say_trust(counter: CellCounter, picture: Path) -> None:
    """How far to trust a counter that was trained without annotations, as lines for people."""
    facts = counter.config.training
    trust, doubts = facts.get("trust"), facts.get("doubts")
    assert isinstance(trust, dict)
    assert isinstance(doubts, list)
    if facts["calibrated_on"] == "simulated images":
        say(
            "no annotations: intervals are calibrated on simulated images, and widened by what differs in the real ones"
        )
    for name, value in trust.items():
        say(f"{name} {value:g}")
    say("check a few overlays before you rely on it" if not doubts else f"{len(doubts)} reasons for doubt, see above")
    say(f"what it understands of six images: {picture}")
