"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from neubauer.errors import InputError

if TYPE_CHECKING:
    from neubauer.models.shared.inputs import Reading

Inputs = Annotated[
    list[str],
    typer.Argument(metavar="INPUT...", help="Image files, folders, globs, or CSV tables with a column `image`."),
]
RecipeName = Annotated[str | None, typer.Option(help="Which kind; an unknown name lists them.")]
RecipeSteps = Annotated[int | None, typer.Option(min=1, help="Training steps. Default: the recipe's.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe, e.g. training.batch_size=32. Repeatable."),
]
Devices = Annotated[int, typer.Option(min=1, help="Processes on this machine.")]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: all.")]
Resume = Annotated[bool, typer.Option("--resume", help="Go on with the run in --out, exactly where it was.")]
Overwrite = Annotated[bool, typer.Option(help="Replace a file that is there.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Recursive = Annotated[bool, typer.Option("--recursive", help="Take the images in the sub-folders of folders, too.")]
SampleSources = Annotated[
    list[str] | None,
    typer.Option(
        "--samples",
        metavar="TABLE|PATTERN",
        help="Of which sample and condition each image is: a CSV table with a column `image`, or a pattern for the "
        "names of files, such as '{condition}/{sample}_*.tif'. Repeatable: a table without `image`, such as the map of "
        "a plate, is joined by a column.",
    ),
]
Workers = Annotated[int, typer.Option(min=1, help="Processes on this machine that share the images.")]
Masks = Annotated[
    Path | None,
    typer.Option(
        help="Outlines of cells: label images; or polygons and the like of ImageJ (.zip, .roi), QuPath (GeoJSON), "
        "LabelMe, VIA, CVAT, Label Studio, COCO, YOLO. A folder, or one file for all images."
    ),
]
Boxes = Annotated[
    Path | None,
    typer.Option(help="Boxes around cells: VOC XML, YOLO txt, COCO JSON; or any of the files for --masks."),
]
Points = Annotated[
    Path | None,
    typer.Option(help="Centres of cells: CSV tables, dot images; or any of the files for --masks and --boxes."),
]
ProjectName = Annotated[str | None, typer.Option(help="What to make of a stack: max, mean, sum or min.")]
Frame = Annotated[int | None, typer.Option(help="Which image of a stack to take, from 0.")]
Channel = Annotated[
    str | None,
    typer.Option(help="Which channel to take, by its number from 0 or its name; for a model of one channel."),
]
StainName = Annotated[
    str | None,
    typer.Option(help="One stain of RGB tissue: haematoxylin, eosin or dab; for a model of one channel."),
]


def reading_of(project: str | None, frame: int | None, channel: str | None, stain: str | None) -> Reading:
    """What these options say, checked.

    Raises
    ------
    InputError : one of them cannot be (which one, what was given, what was expected).
    """
    from neubauer.images.stack import PROJECTIONS
    from neubauer.images.stain import STAINS
    from neubauer.models.shared.inputs import Reading

    if project is not None and project not in PROJECTIONS:
        raise InputError("--project", repr(project), "one of " + ", ".join(PROJECTIONS))
    if frame is not None and frame < 0:
        raise InputError("--frame", str(frame), "a number from 0")
    if stain is not None and stain not in STAINS:
        raise InputError("--stain", repr(stain), "one of " + ", ".join(STAINS))
    if stain is not None and channel is not None:
        raise InputError("--channel", "it beside --stain", "one of them")
    return Reading(project, frame, channel, stain)  # type: ignore[arg-type]
