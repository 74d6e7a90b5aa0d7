"""Options that say where is counted, and which cells count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from neubauer.errors import InputError

if TYPE_CHECKING:
    from neubauer.cells.filters import Filters

RegionsOf = Annotated[
    str | None,
    typer.Option(
        "--regions",
        metavar="FILE|FOLDER|tissue",
        help="Count in regions: GeoJSON (QuPath), ROI or ROI ZIP (ImageJ), label image, or CSV of boxes, for all "
        "images or in a folder with a file for each; or `tissue`, which is found.",
    ),
]
BorderRule = Annotated[
    str,
    typer.Option(
        metavar="include|exclude|two-sides",
        help="Cells that touch the border of the image: all count, none, or those at the upper and left alone.",
    ),
]
LeastArea = Annotated[
    str | None, typer.Option(metavar="AREA", help="Smaller cells do not count: pixels², or µm² as in 50um2.")
]
MostArea = Annotated[
    str | None, typer.Option(metavar="AREA", help="Larger cells do not count: pixels², or µm² as in 500um2.")
]
LeastProbability = Annotated[float | None, typer.Option(help="Cells that are less probable (0 to 1) do not count.")]


def filters_of(border: str, min_area: str | None, max_area: str | None, min_probability: float | None) -> Filters:
    """What these options say, checked.

    Raises
    ------
    InputError : one of them cannot be (which one, what was given, what was expected).
    """
    from neubauer.cells.filters import Filters

    try:
        return Filters(border, min_area, max_area, min_probability)  # type: ignore[arg-type]
    except InputError as error:
        option = "--" + str(error.where).replace("_", "-")
        raise InputError(option, error.found, error.expected) from error
