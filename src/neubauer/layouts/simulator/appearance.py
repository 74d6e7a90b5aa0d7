"""What the cells of a population look like under the microscope: colours, profiles, texture, noise."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

Range = tuple[float, float]
Colour = tuple[float, ...]


class NucleusLook(BaseModel):
    """A nucleus inside of a cell.

    Attributes
    ----------
    share : least and largest share of the cell's area.
    lobes : least and largest number of lobes.
    texture : as in `KindLook`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    share: Range = (0.3, 0.7)
    lobes: tuple[int, int] = (1, 1)
    texture: float = 0.1


class KindLook(BaseModel):
    """How cells of one kind are drawn; (low, high) are drawn uniformly, for each cell unless it says for each image.

    Attributes
    ----------
    opacity : 1 hides what is behind, 0 adds up with it (light, or dyes one behind the other); for each image.
    strength_sd : spread of the contrast between cells (standard deviation of its logarithm).
    pallor : share of the contrast that the middle has less than the rest.
    pallor_size : diameter of the pale middle over that of the cell.
    rim : contrast of the outermost part on top, as a share.
    dome : 0 has the same contrast everywhere, 1 that of a sphere, thinner towards the edge.
    texture : contrast of the texture, as a share of that of the cell.
    texture_scale : grain of the texture in cell diameters.
    edge : width of the edge in cell diameters, beside the blur of the image.
    nucleus : drawn on top in the style's nucleus colour.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    opacity: Range = (0.5, 0.9)
    strength_sd: Annotated[float, Field(ge=0)] = 0.15
    pallor: Range = (0.0, 0.0)
    pallor_size: Range = (0.4, 0.7)
    rim: Range = (0.0, 0.0)
    dome: Range = (0.0, 0.5)
    texture: Annotated[float, Field(ge=0)] = 0.15
    texture_scale: Annotated[float, Field(gt=0)] = 0.12
    edge: Annotated[float, Field(ge=0)] = 0.03
    nucleus: NucleusLook | None = None


class Style(BaseModel):
    """Colours and quality of one image, in normalised intensities (`neubauer.images.normalise`).

    Attributes
    ----------
    background : (C,) colour of the background.
    colours : per kind, (C,) colour of its cells.
    nuclei : per kind, (C,) colour of its nuclei; that of the cell where it has none.
    noise : standard deviation of the noise of a pixel.
    blur : standard deviation of the blur, pixels.
    unevenness : standard deviation of the slow changes of the background.
    grain : standard deviation of the texture of the background.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    background: Colour
    colours: tuple[Colour, ...]
    nuclei: tuple[Colour, ...]
    noise: Annotated[float, Field(ge=0)] = 0.02
    blur: Annotated[float, Field(ge=0)] = 0.7
    unevenness: Annotated[float, Field(ge=0)] = 0.03
    grain: Annotated[float, Field(ge=0)] = 0.02


class Appearance(BaseModel):
    """How images of a population look.

    Attributes
    ----------
    looks : per kind, in the order of the population.
    styles : of single images, as they were found or as a recipe assumes; each rendering mixes two of them.
    colour_sd : spread of the colours between cells, beside that of the strength.
    debris : number of unlabelled specks and smudges per area of ten cells.
    variety : how far looks and quality of a rendering stray from those given (0: not at all).
    real : share of the renderings on the background of a real image, where there is one.
    backdrops : real images without their cells, (C, Y, X) float16, one per style, or none; they are not saved.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
    looks: tuple[KindLook, ...] = Field(min_length=1)
    styles: tuple[Style, ...] = Field(min_length=1)
    colour_sd: Annotated[float, Field(ge=0)] = 0.03
    debris: Annotated[float, Field(ge=0)] = 0.1
    variety: Annotated[float, Field(ge=0)] = 0.3
    real: Annotated[float, Field(ge=0, le=1)] = 0.7
    backdrops: Annotated[tuple[np.ndarray, ...], Field(exclude=True, repr=False)] = ()

    @property
    def channels(self) -> int:
        """Of the images."""
        return len(self.styles[0].background)

    def scaled(self, factor: float) -> Appearance:
        """The same in images that are `factor` times as wide and high, without backdrops."""
        styles = tuple(style.model_copy(update={"blur": style.blur * factor}) for style in self.styles)
        return self.model_copy(update={"styles": styles, "backdrops": ()})
