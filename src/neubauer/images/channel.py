"""Take one channel of an image."""

from __future__ import annotations

import numpy as np

from neubauer.errors import InputError
from neubauer.images.source import ImageSource


def choose_channel(source: ImageSource, channel: int | str) -> ImageSource:
    """One channel, by its number (from 0) or its name (in any case).

    Raises
    ------
    InputError : the image has no such channel, or several of that name.
    """
    names = source.channel_names or ()
    count = source.shape[0]
    if isinstance(channel, int) or channel.isdecimal():
        if not 0 <= int(channel) < count:
            raise InputError(source.path, f"{_listed(source)}, asked for channel {channel}", f"0 to {count - 1}")
        return pick_channel(source, int(channel))
    found = [i for i, name in enumerate(names) if name.casefold() == channel.casefold()]
    if len(found) != 1:
        raise InputError(
            source.path, f"{_listed(source)}, asked for channel {channel!r}", "a number or one of its names"
        )
    return pick_channel(source, found[0])


def pick_channel(source: ImageSource, channel: int) -> ImageSource:
    """A view of one channel."""

    def read_region(y0: int, y1: int, x0: int, x1: int) -> np.ndarray:
        return source.masked(y0, y1, x0, x1)[channel : channel + 1]

    return ImageSource(
        source.path,
        (1, *source.shape[1:]),
        source.dtype,
        read_region,
        name=source.name,
        pixel_size_um=source.pixel_size_um,
        channel_names=source.channel_names and source.channel_names[channel : channel + 1],
        can_miss=source.can_miss,
    )


def _listed(source: ImageSource) -> str:
    names = f" ({', '.join(source.channel_names)})" if source.channel_names else ""
    return f"{source.shape[0]} channel{'s' * (source.shape[0] != 1)}{names}"
