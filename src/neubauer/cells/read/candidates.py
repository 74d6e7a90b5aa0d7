"""Which files may be annotations, and what their names say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from neubauer.cells.annotation import Kind
from neubauer.cells.read.formats.registry import annotation_suffixes
from neubauer.cells.read.formats.yolo import CLASS_FILES
from neubauer.cells.read.image_names import as_uploaded, without_upload
from neubauer.cells.read.pixels import LOSSLESS, LOSSY
from neubauer.errors import InputError
from neubauer.images.stem import stem

# Words that say what a file is, not which image it belongs to.
_KIND_WORDS: dict[Kind, frozenset[str]] = {
    "masks": frozenset({"mask", "masks", "cp", "seg", "instance", "instances"}),
    "boxes": frozenset({"box", "boxes", "bbox", "bboxes", "coco"}),
    "points": frozenset({"dot", "dots", "point", "points"}),
}
_ANNOTATION_WORDS = frozenset({"label", "labels", "annotation", "annotations", "gt", "regions"}).union(
    *_KIND_WORDS.values()
)
_IMAGE_WORDS = frozenset({"image", "images", "img", "cell", "cells"})
_FILE_WORDS = frozenset({"roi", "rois", "roiset"})
"""Words of files that are no pictures: an image may well be called so."""
PIXELS = LOSSLESS + LOSSY  # reading a JPEG says why it will not do
_USUAL: dict[Kind, tuple[str, ...]] = {
    "masks": PIXELS,
    "boxes": (".xml", ".txt"),
    "points": (".csv", ".tsv", ".txt", *PIXELS),
}
"""What goes first: other files may lie in the folder for other reasons."""


def split_images_and_annotations(paths: Iterable[str | Path]) -> tuple[list[Path], list[Path]]:
    """Tell images from the annotations that lie among them (`001cell.png`, `001dots.png`).

    An annotation is a file whose stem holds a word such as `dots`, `masks`, `labels` or `ignore`, if there is an
    image that has the same stem but for such words. All else counts as an image.

    Returns
    -------
    The images and the annotations, each in the order given.
    """
    files = [Path(p) for p in paths]
    bare = {(p.parent, bare_name(p)) for p in files if not _words(p) & (_ANNOTATION_WORDS | {"ignore"})}
    annotations = [
        p for p in files if _words(p) & (_ANNOTATION_WORDS | {"ignore"}) and (p.parent, bare_name(p)) in bare
    ]
    chosen = set(annotations)
    return [p for p in files if p not in chosen], annotations


def candidates(source: Path, kind: Kind, images: set[Path]) -> tuple[list[Path], list[Path]]:
    """The files that may be annotations of this kind: the usual ones, and others."""
    every = tuple(dict.fromkeys((*_USUAL[kind], *annotation_suffixes())))
    expected = f"annotations ({kind}) as files ending in {', '.join(every)}"
    if source.is_file():
        return [source], []
    if not source.is_dir():
        raise InputError(source, "no such file or folder", expected)
    other_kinds = frozenset({"ignore"}).union(*(words for k, words in _KIND_WORDS.items() if k != kind))
    files = [
        p
        for p in sorted(source.rglob("*"))
        if p.suffix.lower() in every
        and p not in images
        and p.name not in CLASS_FILES
        and not any(part.startswith(".") for part in p.relative_to(source).parts)
    ]
    usual = [
        p
        for p in files
        if p.suffix.lower() in _USUAL[kind] and (_words(p) & _KIND_WORDS[kind] or not _words(p) & other_kinds)
    ]
    marked = {(p.parent, bare_name(p)) for p in split_images_and_annotations(usual)[1]}
    usual = [p for p in usual if _words(p) & _ANNOTATION_WORDS or (p.parent, bare_name(p)) not in marked]
    others = [p for p in files if p.suffix.lower() not in _USUAL[kind]]
    if not usual and not others:
        raise InputError(source, "no file that could be one", expected)
    return usual, others


def _split(path: Path) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+", stem(path))


def _words(path: Path) -> frozenset[str]:
    return frozenset(word.lower() for word in _split(path))


def bare_name(path: Path) -> tuple[str, ...]:
    """The words and numbers of a stem that do not say what kind of file it is."""
    words = _ANNOTATION_WORDS | _IMAGE_WORDS | {"ignore"}
    if path.suffix.lower() not in PIXELS:
        words |= _FILE_WORDS
    return tuple(word for word in _split(path) if word.lower() not in words)


def _uploaded(path: Path) -> str | None:
    """The stem as Label Studio has it, without what it puts in front; None where nothing is."""
    whole = stem(path)
    bare = without_upload(whole)
    return as_uploaded(bare) if bare != whole else None


KEYS: tuple[tuple[Callable[[Path], object], Callable[[Path], object]], ...] = (
    (stem, stem),
    (bare_name, bare_name),
    (stem, lambda image: image.name),
    (_uploaded, lambda image: as_uploaded(stem(image))),
)
"""What of an annotation equals what of its image; the first goes first."""
