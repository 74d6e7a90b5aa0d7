"""What people give for a training with few annotations or none -> images, those annotated, and their scale."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neubauer.cells.annotation import Annotation, Kind
from neubauer.cells.read.candidates import split_images_and_annotations
from neubauer.errors import InputError
from neubauer.gan.config.base import nearest, validate
from neubauer.gan.config.labelfree import LabelFreeConfig
from neubauer.images.find import find_images
from neubauer.images.missing import refuse_missing
from neubauer.images.normalise import normalise, percentile_limits
from neubauer.images.read import ImageSource
from neubauer.layouts.simulator.scale import corrected, diameters, measure_scale
from neubauer.models.shared.inputs import WHOLE, Annotated, ImageLike, Reading, as_source, collect, same_channels
from neubauer.recipes import load_recipe, recipe_names

WINDOW = 1024
"""Only the middle of larger images is measured."""

Annotations = Sequence[Annotation | None] | dict[Kind, str | Path] | None


def labelfree_config(choice: LabelFreeConfig | str | None) -> LabelFreeConfig:
    """A config from the name of a recipe; the defaults for None.

    Raises
    ------
    InputError : not a recipe for training without annotations; the nearest name is suggested.
    """
    if choice is None:
        return LabelFreeConfig()
    if isinstance(choice, LabelFreeConfig):
        return choice
    names = recipe_names("labelfree")
    if choice not in names:
        raise InputError("recipe", repr(choice), nearest(choice, names))
    return validate(LabelFreeConfig, load_recipe(choice), f"recipe {choice}")


def collect_images(
    images: str | Path | Sequence[ImageLike],
    annotations: Annotations,
    classes: Sequence[str] | None,
    reading: Reading = WHOLE,
) -> tuple[list[ImageSource], list[Annotated]]:
    """All images without annotation, and all with one; of which one channel says all, reduced to it.

    Images without annotation of which more than 0.1 % of the pixels are missing (NaN, infinite) are not used, with a
    warning: what is painted would look like them.

    Raises
    ------
    InputError : no image can be read, channels differ between images, or see `collect`.
    """
    items: Sequence[ImageLike] = [images] if isinstance(images, str | Path | np.ndarray) else list(images)
    if items and all(isinstance(i, str | Path) for i in items):
        items = split_images_and_annotations(find_images([str(i) for i in items]))[0]
    if not items:
        raise InputError("images", "none", "at least one image")
    annotated: list[Annotated] = []
    rest = list(items)
    if isinstance(annotations, dict):
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*have no annotation and are not used")
            annotated = collect(items, annotations, classes, reading=reading)
        taken = {pair.source.path for pair in annotated}
        rest = [i for i in items if i not in taken]
    elif annotations is not None:
        if len(annotations) != len(items):
            raise InputError("annotations", f"{len(annotations)} for {len(items)} images", "one for each, or None")
        marked = [(i, a) for i, a in zip(items, annotations, strict=True) if a is not None]
        if marked:
            annotated = collect([i for i, _ in marked], [a for _, a in marked], classes, reading=reading)
        rest = [i for i, a in zip(items, annotations, strict=True) if a is None]
    opened = _open(rest, reading)
    if not opened and not annotated:
        raise InputError("images", "none that can be read", "at least one image")
    every = same_channels([*annotated, *(Annotated(s, _nothing(s)) for s in opened)])
    return [p.source for p in every[len(annotated) :]], every[: len(annotated)]


def scales(
    sources: Sequence[ImageSource],
    given: float | None,
    bright_cells: bool,
    percentiles: Percentiles,
    annotated: Sequence[float | None] | None = None,
) -> np.ndarray:
    """(I,) typical cell diameter of each image, pixels; warns where it is not as given.

    Where some images are `annotated` (their diameters), these say how far measurements are off; `given` is used only if
    they do not.

    Raises
    ------
    InputError : none is given and the images do not say it.
    """
    found = []
    for source in sources:
        found.append(
            measure_scale(normalise(source.middle(WINDOW), percentile_limits(source, *percentiles)), bright_cells)
        )
    if annotated is not None:
        given = corrected(found, annotated) or given
    own, texts = diameters(found, given)
    for text in texts:
        warnings.warn(text, stacklevel=4)
    return own


Percentiles = tuple[float, float]


def _open(images: Sequence[ImageLike], reading: Reading) -> list[ImageSource]:
    opened, problem = [], None
    for image in images:
        try:
            opened.append(refuse_missing(as_source(image, reading=reading)))
        except InputError as error:  # one bad file does not cost the others
            problem = error
            warnings.warn(f"not used: {error}", stacklevel=4)
    if not opened and problem is not None:
        raise problem
    return opened


def _nothing(source: ImageSource) -> Annotation:
    shape = (source.shape[1], source.shape[2])
    return Annotation("points", shape, ("cell",), np.zeros(0, np.int64), np.zeros((0, 2)))
