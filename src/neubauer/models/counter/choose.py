"""Which of the bundled counters knows images like these?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neubauer.errors import InputError
from neubauer.images.read import from_array
from neubauer.images.source import ImageSource
from neubauer.models.counter.file import KIND
from neubauer.models.counter.predict import TrainedCounter
from neubauer.models.counter.shift import STRANGE
from neubauer.models.counter.strangeness import strangeness
from neubauer.models.shared.bundled import bundled
from neubauer.models.shared.inputs import Reading, as_source

LOOKED_AT = 1000
"""Side of the middle part of an image that is looked at, pixels."""


@dataclass(frozen=True)
class Choice:
    """The counter that fits best.

    Attributes
    ----------
    name : of the bundled model.
    fits : whether the images are like those that it has learnt.
    reason : why it was taken, for people.
    """

    name: str
    fits: bool
    reason: str


def choose_counter(images: Sequence[ImageSource], reading: Reading) -> Choice:
    """The bundled counter whose training images are nearest to these images.

    Each counter that takes images of so many channels looks at the middle of each; the mean distance of what it sees
    from what it saw in training decides, in units of the distance that is usual there.

    Parameters
    ----------
    images : a few of those to be counted.
    reading : what to take of them.

    Raises
    ------
    InputError : no bundled counter takes images of so many channels.
    """
    found: dict[str, float] = {}
    why = ""
    for model in bundled():
        if model.header()["kind"] != KIND:
            continue
        counter = TrainedCounter.load(model.path)
        if counter.known_ is None or counter.config.training.get("stain") != reading.stain:
            continue
        if "for" in counter.config.training:  # what a command makes of images, not images as they are
            continue
        try:
            seen = [_middle(as_source(image, counter.config.channels, reading)) for image in images]
        except InputError as error:
            why = str(error)
            continue
        distances = [strangeness(counter.known_.distances(counter.locate(s)[0].features)) for s in seen]
        found[model.name] = sum(distances) / len(distances)
    if not found:
        raise InputError("--model", f"none for these images ({why})", "the name or file of a counter")
    name = min(found, key=lambda n: found[n])
    others = ", ".join(f"{n} {d:.1f}" for n, d in sorted(found.items(), key=lambda i: i[1]) if n != name)
    reason = f"what it sees in them is {found[name]:.1f} times as far from what it has learnt as is usual there" + (
        f" ({others})" if others else ""
    )
    fits = found[name] <= STRANGE
    if not fits:
        reason = f"no bundled model has learnt images like these; {name} comes nearest: {reason}"
    return Choice(name, fits, reason)


def _middle(image: ImageSource) -> ImageSource:
    _, height, width = image.shape
    if max(height, width) <= LOOKED_AT:
        return image
    y, x = (max(0, (n - LOOKED_AT) // 2) for n in (height, width))
    pixels = image.region(y, min(y + LOOKED_AT, height), x, min(x + LOOKED_AT, width))
    return from_array(pixels, name=image.name, axes="CYX")
