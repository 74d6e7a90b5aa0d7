"""Any microscope image as a picture for the screen."""

from __future__ import annotations

import numpy as np
from PIL import Image

from neubauer.cells.draw.colours import OKABE_ITO
from neubauer.images.normalise import percentile_limits
from neubauer.images.read import from_array
from neubauer.images.reduce import reduce
from neubauer.images.source import ImageSource

_UP_TO = 1400  # small images are enlarged by a whole number, up to this side, so that contours are thin beside cells
_MOST = 8
# channels of images that are not RGB; added up, the first two give white
_CHANNEL_COLOURS = ((0, 255, 0), (255, 0, 255), (0, 160, 255), *OKABE_ITO)


def display_size(shape: tuple[int, int], max_side: int) -> tuple[int, int]:
    """(Y, X) of the picture of an image: at most `max_side`, small images enlarged by a whole number."""
    longest = max(shape)
    if longest > max_side:
        return max(1, round(shape[0] * max_side / longest)), max(1, round(shape[1] * max_side / longest))
    zoom = max(1, min(_MOST, min(_UP_TO, max_side) // longest))
    return shape[0] * zoom, shape[1] * zoom


def to_display(image: np.ndarray | ImageSource, max_side: int = 2000) -> Image.Image:
    """Make an RGB picture of an image.

    RGB images of 8 bits are shown as they are. Otherwise each channel is stretched between its percentiles 1 and
    99.8; one channel is shown grey, three as red, green and blue, and other numbers are added up in a colour each.

    Parameters
    ----------
    image : (C, Y, X) array, or an image that is read by region, of which only a band of rows is in memory at a time.
    max_side : longest side of the picture, in pixels; larger images are reduced by averaging.

    Raises
    ------
    InputError : the image is damaged or has no finite pixel.
    """
    source = image if isinstance(image, ImageSource) else from_array(image, axes="CYX")
    channels, height, width = source.shape
    size = display_size((height, width), max_side)
    reduced = reduce(source, max(1, max(height, width) // max_side))
    if not (channels == 3 and source.dtype == np.uint8):
        low, high = percentile_limits(source).T[:, :, np.newaxis, np.newaxis]
        reduced = np.clip((reduced - low) * (255 / (high - low)), 0, 255)
    resample = Image.Resampling.BICUBIC if size[0] > height else Image.Resampling.BOX
    planes = [np.asarray(Image.fromarray(plane).resize(size[::-1], resample)) for plane in reduced]
    if channels == 1:
        planes = planes * 3
    elif channels != 3:
        colours = np.array([_CHANNEL_COLOURS[c % len(_CHANNEL_COLOURS)] for c in range(channels)]) / 255
        planes = list(np.einsum("cyx,cr->ryx", np.stack(planes), colours))
    return Image.fromarray(np.clip(np.rint(np.stack(planes, axis=-1)), 0, 255).astype(np.uint8))
