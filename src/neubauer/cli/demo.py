"""`neubauer demo`: the main job on an image that scikit-image ships."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neubauer.cli.common import errors_to_exit
from neubauer.errors import OutputError


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the image and the results.")] = Path("neubauer-demo"),
) -> None:
    """Count the nuclei of a stained tissue section (immunohistochemistry of colon, shipped with scikit-image).

    The brown antibody stain hides nuclei from a model for haematoxylin and eosin; their own stain is separated from it,
    and looks like fluorescence.
    """
    with errors_to_exit():
        from skimage import data

        from neubauer.cli.count import count
        from neubauer.images.write import write_image

        try:
            out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{out}: cannot be made ({error.strerror or error})") from error
        image = out / "immunohistochemistry.png"
        write_image(image, data.immunohistochemistry().transpose(2, 0, 1))
    count([str(image)], model="nuclei-haematoxylin", stain="haematoxylin", out=out / "results", overwrite=True)
