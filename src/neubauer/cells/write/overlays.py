"""Pictures to check a count by."""

from __future__ import annotations

from pathlib import Path

from neubauer.cells.draw.overlay import draw_overlay
from neubauer.cells.table import Cells
from neubauer.cells.write.formats import FORMATS, OutputFormat
from neubauer.images.source import ImageSource


def write_overlay(path: Path, cells: Cells, image: ImageSource) -> None:
    """Write the image with its cells outlined as a PNG file; see `draw_overlay`."""
    draw_overlay(image, cells, path)


FORMATS.register("overlays")(
    OutputFormat("{}_overlay.png", lambda path, cells, image, _: write_overlay(path, cells, image))
)
