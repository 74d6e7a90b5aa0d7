"""A trained painter as a file: layouts to real-looking images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from neubauer.errors import InputError
from neubauer.gan.games.image_layout import shown_maps
from neubauer.layouts.simulator.appearance import Appearance
from neubauer.layouts.simulator.population import Population
from neubauer.layouts.spec import LayoutSpec
from neubauer.models.labelfree.paint import painting
from neubauer.models.labelfree.simulate import Paint, procedural
from neubauer.nets.painter import Painter
from neubauer.nets.store import load_model, save_model

KIND = "painter"


class PainterFacts(BaseModel):
    """What a painter file says beside its weights; `population` and `appearance` at the scale of the layout."""

    model_config = ConfigDict(extra="forbid")
    population: Population
    appearance: Appearance
    layout_diameter: float
    density_sigma: float
    style: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]


@dataclass(frozen=True)
class PainterModel:
    """A painter with the simulator that it was trained on."""

    facts: PainterFacts
    painter: Painter

    @property
    def paint(self) -> Paint:
        """Scene (at the scale of the layout) -> (C, Y, X) image, normalised."""
        facts = self.facts
        spec = LayoutSpec(facts.population.classes, facts.layout_diameter, facts.density_sigma)
        return painting(self.painter, procedural(facts.population, facts.appearance), spec)

    def save(self, path: str | Path) -> Path:
        """Write one `.safetensors` file."""
        return save_model(path, KIND, self.facts.model_dump(mode="json"), self.painter.state_dict())


def load_painter(path: str | Path) -> PainterModel:
    """Read what `PainterModel.save` wrote.

    Raises
    ------
    InputError : not a painter, or damaged.
    """
    raw, tensors = load_model(path, KIND)
    try:
        facts = PainterFacts.model_validate(raw)
        spec = LayoutSpec(facts.population.classes, facts.layout_diameter, facts.density_sigma)
        channels = facts.appearance.channels
        painter = Painter(channels, len(shown_maps(spec)), facts.style, facts.widths, facts.depths)
        painter.load_state_dict(tensors)
    except (ValidationError, RuntimeError) as error:
        raise InputError(path, "another config or other weights", "a painter of this version of neubauer") from error
    return PainterModel(facts, painter.eval())
