"""Physical pixel sizes from what files say about them."""

from __future__ import annotations

import math
from xml.etree import ElementTree

PixelSize = tuple[float, float]

MICROMETRES = {
    "å": 1e-4,
    "nm": 1e-3,
    "nanometer": 1e-3,
    "µm": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "microns": 1.0,
    "micrometer": 1.0,
    "micrometre": 1.0,
    "mm": 1e3,
    "millimeter": 1e3,
    "cm": 1e4,
    "m": 1e6,
    "inch": 25_400.0,
    "in": 25_400.0,
}

# Resolution in dots per inch or cm is mostly a printing default (72, 96, 300 dpi ...). No microscope camera has
# pixels beyond 20 µm in the specimen, no printer below: 20 µm is 1,270 dpi.
PRINT_UNITS = ("inch", "in", "cm")
LARGEST_PLAUSIBLE_UM = 20.0


def micrometres(y: float, x: float, unit: str) -> PixelSize | None:
    """(y, x) in micrometres; None if the unit is not a length, or the value not a plausible pixel size."""
    # ImageJ escapes the micro sign; the Greek mu is another character than the micro sign
    key = unit.strip().lower().replace("\\u00b5", "µ").replace("\u03bc", "µ")
    if key not in MICROMETRES:
        return None
    size = (y * MICROMETRES[key], x * MICROMETRES[key])
    largest = LARGEST_PLAUSIBLE_UM if key in PRINT_UNITS else math.inf
    return size if all(math.isfinite(v) and 0 < v <= largest for v in size) else None


def from_ome(xml: str) -> tuple[PixelSize | None, tuple[str, ...] | None]:
    """Pixel size and channel names of the first image in OME-XML.

    Source: OME data model 2016-06, `Pixels@PhysicalSizeX` (in `PhysicalSizeXUnit`, by default µm), `Channel@Name`.

    Raises
    ------
    xml.etree.ElementTree.ParseError : the text is not XML.
    """
    pixels = ElementTree.fromstring(xml).find(".//{*}Pixels")
    if pixels is None:
        return None, None
    sizes = []
    for axis in "YX":
        value = float(pixels.get(f"PhysicalSize{axis}", "nan"))
        sizes.append(micrometres(value, value, pixels.get(f"PhysicalSize{axis}Unit", "µm")))
    y, x = sizes
    names = [channel.get("Name", "") for channel in pixels.findall("{*}Channel")]
    return (y[0], x[1]) if y and x else None, tuple(names) if all(names) else None
