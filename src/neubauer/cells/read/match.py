"""Which annotation belongs to which image: by the stems of the files."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from neubauer.cells.annotation import Kind
from neubauer.cells.read.coco import coco_images, coco_lists
from neubauer.cells.read.pixels import LOSSLESS, LOSSY
from neubauer.cells.read.points import TABLES
from neubauer.cells.read.yolo import CLASS_FILES
from neubauer.errors import InputError
from neubauer.images.stem import stem

# Words that say what a file is, not which image it belongs to.
_KIND_WORDS: dict[Kind, frozenset[str]] = {
    "masks": frozenset({"mask", "masks", "cp", "seg", "instance", "instances"}),
    "boxes": frozenset({"box", "boxes", "bbox", "bboxes", "coco"}),
    "points": frozenset({"dot", "dots", "point", "points"}),
}
_ANNOTATION_WORDS = frozenset({"label", "labels", "annotation", "annotations", "gt", "regions", "rois"}).union(
    *_KIND_WORDS.values()
)
_IMAGE_WORDS = frozenset({"image", "images", "img", "cell", "cells"})
_SUFFIXES: dict[Kind, tuple[str, ...]] = {
    "masks": LOSSLESS + LOSSY,  # reading a JPEG says why it will not do
    "boxes": (".xml", ".txt", ".json"),
    "points": TABLES + LOSSLESS + LOSSY,
}


@dataclass(frozen=True)
class Matches:
    """Images with their annotations, and what is left over on both sides.

    Of a COCO file that serves many images, `unmatched_annotations` has the file names that it lists but that are not
    among the images.
    """

    pairs: list[tuple[Path, Path]]
    unmatched_images: list[Path]
    unmatched_annotations: list[Path]


def split_images_and_annotations(paths: Iterable[str | Path]) -> tuple[list[Path], list[Path]]:
    """Tell images from the annotations that lie among them (`001cell.png`, `001dots.png`).

    An annotation is a file whose stem holds a word such as `dots`, `masks`, `labels` or `ignore`, if there is an
    image that has the same stem but for such words. All else counts as an image.

    Returns
    -------
    The images and the annotations, each in the order given.
    """
    files = [Path(p) for p in paths]
    bare = {(p.parent, _key(p)) for p in files if not _words(p) & (_ANNOTATION_WORDS | {"ignore"})}
    annotations = [p for p in files if _words(p) & (_ANNOTATION_WORDS | {"ignore"}) and (p.parent, _key(p)) in bare]
    chosen = set(annotations)
    return [p for p in files if p not in chosen], annotations


def match_annotations(images: Sequence[str | Path], source: str | Path, kind: Kind) -> Matches:
    """Find the annotation of each image by its stem.

    Equal stems go first. Then words that tell the kind of a file are left out of both stems (`a.png` and
    `a_masks.tif`, `a_cp_masks.png`, `a_dots.csv`; `001cell.png` and `001dots.png`; `HE_01_000.png` and
    `HE_01_dots_000.png`). Annotations among `images` are recognised as such and are not taken as images.

    Parameters
    ----------
    images : the image files.
    source : folder of annotations, searched with its subfolders (it may be the folder of the images); or one
        annotation file, in particular a COCO JSON. A folder whose only boxes are one JSON file is the same as that. A
        single image goes with a single file whatever their names are.
    kind : what the annotations are; decides which files of the folder count.

    Raises
    ------
    InputError : `source` does not exist or has no annotations of this kind, or stems do not tell which belong together.
    """
    source = Path(source)
    files, _ = split_images_and_annotations(images)
    candidates = _candidates(source, kind, set(files))
    if kind == "boxes" and len(candidates) == 1 and candidates[0].suffix.lower() == ".json":
        return _match_coco(files, candidates[0])

    if source.is_file() and len(files) == 1:
        return Matches([(files[0], source)], [], [])
    return by_stem(files, candidates)


def by_stem(files: Sequence[Path], candidates: Sequence[Path]) -> Matches:
    """The candidate of each image file by its stem, as `match_annotations` says.

    Raises
    ------
    InputError : stems do not tell which belong together.
    """
    found: dict[Path, Path] = {}
    for key in (stem, _key):
        free: dict[object, list[Path]] = defaultdict(list)
        taken = set(found.values())
        for path in candidates:
            if path not in taken:
                free[key(path)].append(path)
        for image in files:
            if image in found or key(image) not in free:
                continue
            choice = free[key(image)]
            if len(choice) > 1:
                raise InputError(image, f"several annotations, as {choice[0]} and {choice[1]}", "one for each image")
            if choice[0] in found.values():
                raise InputError(choice[0], f"several images for it, as {image}", "one image for each annotation")
            found[image] = choice[0]
    taken = set(found.values())
    return Matches(
        pairs=[(image, found[image]) for image in files if image in found],
        unmatched_images=[image for image in files if image not in found],
        unmatched_annotations=[path for path in candidates if path not in taken],
    )


def find_ignore(image: Path, annotation: Path) -> Path | None:
    """The ignore region of an image: `<stem>_ignore.png` (or .tif) beside the annotation, by the stem of either."""
    for base in (stem(image), stem(annotation)):
        for suffix in (".png", ".tif", ".tiff"):
            path = annotation.parent / f"{base}_ignore{suffix}"
            if path.is_file():
                return path
    return None


def _match_coco(images: list[Path], path: Path) -> Matches:
    pairs = [(image, path) for image in images if coco_lists(path, image)]
    listed = {image for image, _ in pairs}
    stems = {stem(image) for image in listed}
    return Matches(
        pairs=pairs,
        unmatched_images=[image for image in images if image not in listed],
        unmatched_annotations=[Path(name) for name in coco_images(path) if stem(Path(name)) not in stems],
    )


def _candidates(source: Path, kind: Kind, images: set[Path]) -> list[Path]:
    """The files that may be annotations of this kind."""
    expected = f"annotations ({kind}) as files ending in {', '.join(_SUFFIXES[kind])}"
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise InputError(source, "no such file or folder", expected)
    other_kinds = frozenset({"ignore"}).union(*(words for k, words in _KIND_WORDS.items() if k != kind))
    files = [
        p
        for p in sorted(source.rglob("*"))
        if p.suffix.lower() in _SUFFIXES[kind]
        and p not in images
        and p.name not in CLASS_FILES
        and not any(part.startswith(".") for part in p.relative_to(source).parts)
        and (_words(p) & _KIND_WORDS[kind] or not _words(p) & other_kinds)
    ]
    marked = {(p.parent, _key(p)) for p in split_images_and_annotations(files)[1]}
    files = [p for p in files if _words(p) & _ANNOTATION_WORDS or (p.parent, _key(p)) not in marked]
    if kind == "boxes" and any(p.suffix.lower() != ".json" for p in files):
        files = [p for p in files if p.suffix.lower() != ".json"]  # facts about the data set, not boxes
    if not files:
        raise InputError(source, "no file that could be one", expected)
    return files


def _split(path: Path) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+", stem(path))


def _words(path: Path) -> frozenset[str]:
    return frozenset(word.lower() for word in _split(path))


def _key(path: Path) -> tuple[str, ...]:
    return tuple(word for word in _split(path) if word.lower() not in _ANNOTATION_WORDS | _IMAGE_WORDS | {"ignore"})
