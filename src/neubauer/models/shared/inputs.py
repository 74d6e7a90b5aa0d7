"""Images and annotations as people give them -> what the counter trains on."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from scipy import ndimage as ndi

from neubauer.cells.annotation import Annotation, Kind
from neubauer.cells.read.candidates import split_images_and_annotations
from neubauer.cells.read.load import load_annotation, named_classes
from neubauer.cells.read.match import match_annotations
from neubauer.errors import InputError
from neubauer.images.channel import choose_channel, pick_channel
from neubauer.images.find import find_images
from neubauer.images.read import ImageSource, from_array, open_image
from neubauer.images.stack import Project
from neubauer.images.stain import Stain, separate_stain

ImageLike = str | Path | np.ndarray | ImageSource


@dataclass(frozen=True)
class Reading:
    """What to take of files that hold several planes, channels or stains.

    See `open_image` for `project` and `frame`, `choose_channel`, `separate_stain`.
    """

    project: Project | None = None
    frame: int | None = None
    channel: int | str | None = None
    stain: Stain | None = None


WHOLE = Reading()


@dataclass(frozen=True)
class Annotated:
    """An image and its annotation."""

    source: ImageSource
    annotation: Annotation


def as_source(image: ImageLike, channels: int | None = None, reading: Reading = WHOLE) -> ImageSource:
    """Open a file or wrap an array; `channels` is what a model expects.

    A model of one channel also takes an image of several if only one of them holds a signal, or all hold the same.

    Raises
    ------
    InputError : not an image, or not of the expected number of channels.
    """
    if isinstance(image, ImageSource):
        source = image
    elif isinstance(image, np.ndarray):
        source = from_array(image)
    else:
        source = open_image(image, project=reading.project, frame=reading.frame)
    if reading.channel is not None:
        source = choose_channel(source, reading.channel)
    if reading.stain is not None:
        source = separate_stain(source, reading.stain)
    if channels is None or source.shape[0] == channels:
        return source
    if channels == 1:
        only = informative_channel(source)
        if only is not None:
            return pick_channel(source, only)
    raise InputError(
        source.path,
        f"{source.shape[0]} channels",
        f"{channels} channel{'s' * (channels != 1)}, as in the images that the model was trained on"
        + ("; one of them can be chosen (--channel)" if channels == 1 else ""),
    )


def same_numbers(source: ImageSource, dtype: str) -> None:
    """Raise InputError unless the pixels have the scale of `dtype`: integers of one size, or floats."""
    a, b = source.dtype, np.dtype(dtype)
    if a != b and not a.kind == b.kind == "f":
        raise InputError(source.path, f"{a} pixels", f"{b}, as the model was trained on")


def informative_channel(source: ImageSource, probes: int = 4) -> int | None:
    """Index of the channel that says all: the others are constant, or equal to it. None if there is no such channel.

    Looks at up to `probes` x `probes` windows spread over the image.
    """
    _, height, width = source.shape
    side = 256
    rows, columns = (sorted({int(p) for p in np.linspace(0, max(n - side, 0), probes)}) for n in (height, width))
    windows = [
        source.masked(y, min(y + side, height), x, min(x + side, width)).reshape(source.shape[0], -1)
        for y in rows
        for x in columns
    ]
    pixels = np.concatenate([np.ma.getdata(w)[:, ~np.ma.getmaskarray(w).any(0)] for w in windows], 1)
    if not pixels.size:
        return None  # nothing is known in all channels
    varies = np.flatnonzero(pixels.max(1) > pixels.min(1))
    if len(varies) <= 1:
        return int(varies[0]) if len(varies) else 0
    same = all((pixels[c] == pixels[varies[0]]).all() for c in varies[1:])
    return int(varies[0]) if same else None


def collect(
    images: str | Path | Sequence[ImageLike],
    annotations: Sequence[Annotation] | dict[Kind, str | Path],
    classes: Sequence[str] | None = None,
    failed: dict[str, str] | None = None,
    channels: int | None = None,
    reading: Reading = WHOLE,
) -> list[Annotated]:
    """Pair images with annotations.

    Parameters
    ----------
    images : a folder, files, globs or arrays.
    annotations : one `Annotation` per image, or where each kind lies (an image takes the first kind that has it).
    classes : class names, where the files do not say them or their order matters.
    failed : gets an entry, image name -> reason, for every image that cannot be used itself or whose annotation cannot;
        without it, they are warned about.
    channels : what a trained model expects. By default, as many as all images have; images of which one channel says
        all are reduced to it.
    reading : what to take of the files.

    Raises
    ------
    InputError : no image has an annotation, none of the annotated images can be used (it names them all), or channels
        differ between images.
    """
    if isinstance(annotations, dict):
        pairs = _from_files(images, annotations, classes, failed, reading)
    else:
        given = [images] if isinstance(images, str | Path | np.ndarray | ImageSource) else list(images)
        if len(given) != len(annotations):
            raise InputError("annotations", f"{len(annotations)} for {len(given)} images", "one for each image")
        pairs = [_checked(Annotated(as_source(i, reading=reading), a)) for i, a in zip(given, annotations, strict=True)]
    return same_channels(pairs) if channels is None else pairs


@dataclass(frozen=True)
class Match:
    """An image file, its annotation file, and what that is."""

    image: Path
    annotation: Path
    kind: Kind

    def load(self, classes: Sequence[str], reading: Reading = WHOLE) -> Annotated:
        """Read both.

        Raises
        ------
        InputError : one cannot be read, or they do not fit.
        """
        source = as_source(self.image, reading=reading)
        annotation = load_annotation(self.image, self.annotation, self.kind, source.shape[1:], classes)
        return _checked(Annotated(source, annotation))


def match_files(files: Sequence[Path], folders: dict[Kind, str | Path]) -> list[Match]:
    """The annotation of each image file; an image takes the first kind that has it. Warns of what is left over.

    Raises
    ------
    InputError : no image has an annotation.
    """
    taken: dict[Path, Match] = {}
    for kind, folder in folders.items():
        matches = match_annotations(files, folder, kind)
        for path in matches.unmatched_annotations:
            warnings.warn(f"{path}: no image belongs to this annotation; it is not used", stacklevel=3)
        for image, annotation in matches.pairs:
            taken.setdefault(image, Match(image, annotation, kind))
    missing = [f for f in files if f not in taken]
    if missing:
        names = ", ".join(f.name for f in missing[:10]) + (" ..." if len(missing) > 10 else "")
        warnings.warn(
            f"{len(missing)} of {len(files)} images have no annotation and are not used: {names}", stacklevel=3
        )
    if not taken:
        places = ", ".join(str(f) for f in folders.values())
        raise InputError(places, "no annotation of any of the images", "annotations with the stems of the images")
    return list(taken.values())


def _from_files(
    images: str | Path | Sequence[ImageLike],
    folders: dict[Kind, str | Path],
    classes: Sequence[str] | None,
    failed: dict[str, str] | None,
    reading: Reading,
) -> list[Annotated]:
    inputs = [images] if isinstance(images, str | Path) else images
    files, _ = split_images_and_annotations(find_images([str(i) for i in inputs]))
    matches = match_files(files, folders)
    problems: dict[Path, InputError] = {}  # one bad file does not cost the others
    if classes is None:
        found: set[str] = set()
        for m in matches:
            try:
                found |= named_classes(m.image, m.annotation)
            except InputError as error:
                problems[m.image] = error
        classes = tuple(sorted(found)) or ("cell",)
    result: list[Annotated] = []
    listed, empty = Counter(m.annotation for m in matches), Counter[Path]()
    for m in matches:
        if m.image in problems:
            continue
        try:
            result.append(m.load(classes, reading))
        except InputError as error:
            problems[m.image] = error
        else:
            empty[m.annotation] += not len(result[-1].annotation)
    for path, n in empty.items():
        if n and listed[path] > 1:  # some programs list all images, also those that nobody has come to yet
            text = f"{path}: nothing is marked in {n} of {listed[path]} images; they count as images without cells"
            warnings.warn(text, stacklevel=3)
    if not result:
        raise _joined(list(problems.values()))
    for image, problem in problems.items():
        if failed is None:
            warnings.warn(f"not used: {problem}", stacklevel=3)
        else:
            failed[image.name] = str(problem)
    return result


def _checked(pair: Annotated) -> Annotated:
    """The pair, with what is missing of the image ignored in the annotation, but for specks and lines of dead pixels.

    Raises
    ------
    InputError : they are of different size.
    """
    if pair.annotation.shape != pair.source.shape[1:]:
        found = f"{pair.source.shape[1:]} pixels and an annotation of {pair.annotation.shape}"
        raise InputError(pair.source.path, found, "the same size (Y, X)")
    if not pair.source.can_miss:
        return pair
    height, width = pair.annotation.shape
    missing = ndi.binary_opening(pair.source.missing(0, height, 0, width), np.ones((3, 3)))
    if not missing.any():
        return pair
    known = pair.annotation.ignore
    return replace(pair, annotation=replace(pair.annotation, ignore=missing if known is None else known | missing))


def _joined(problems: Sequence[InputError]) -> InputError:
    """One error that names every file; files with the same problem are named together."""
    files: dict[tuple[str, str], dict[str, None]] = {}
    for p in problems:
        files.setdefault((p.found, p.expected), {})[p.where] = None
    if len(files) == 1:
        ((found, expected),) = files
        return InputError(", ".join(files[found, expected]), found, expected)
    listed = "; ".join(f"{', '.join(names)}: {found}" for (found, _), names in files.items())
    expected = "; ".join(dict.fromkeys(expected for _, expected in files))
    return InputError("annotated images", f"none that can be used ({listed})", expected)


def same_channels(pairs: Sequence[Annotated]) -> list[Annotated]:
    """The pairs, with images of which one channel says all reduced to it; raises InputError if channels then differ."""
    single = [informative_channel(p.source) if p.source.shape[0] > 1 else 0 for p in pairs]
    if all(c is not None for c in single):
        return [
            p if p.source.shape[0] == 1 else Annotated(pick_channel(p.source, c), p.annotation)
            for p, c in zip(pairs, single, strict=True)
            if c is not None
        ]
    first = pairs[0].source
    for p in pairs:
        if p.source.shape[0] != first.shape[0]:
            raise InputError(
                p.source.path, f"{p.source.shape[0]} channels", f"{first.shape[0]}, as in {first.path.name}"
            )
    return list(pairs)
