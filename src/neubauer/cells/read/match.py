"""Which annotation belongs to which image: by the stems of the files, or by the names in a file for many."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from neubauer.cells.annotation import Kind
from neubauer.cells.read.candidates import KEYS, PIXELS, bare_name, candidates, split_images_and_annotations
from neubauer.cells.read.formats.registry import recognise
from neubauer.cells.read.image_names import ImageNames
from neubauer.cells.read.marks import listed_images
from neubauer.errors import InputError
from neubauer.images.stem import stem


@dataclass(frozen=True)
class Matches:
    """Images with their annotations, and what is left over on both sides.

    Of a file that serves many images, `unmatched_annotations` has the file names that it lists but that are not among
    the images.
    """

    pairs: list[tuple[Path, Path]]
    unmatched_images: list[Path]
    unmatched_annotations: list[Path]


def match_annotations(images: Sequence[str | Path], source: str | Path, kind: Kind) -> Matches:
    """Find the annotation of each image by its stem, or by its name in a file that serves many images.

    Equal stems go first. Then words that tell the kind of a file are left out of both stems (`a.png` and
    `a_masks.tif`, `a_cp_masks.png`, `a_dots.csv`, `a_RoiSet.zip`; `001cell.png` and `001dots.png`; `HE_01_000.png` and
    `HE_01_dots_000.png`), or the annotation has the whole name of the image (`a.tif.geojson`) or that under which Label
    Studio keeps it (`1a2b3c4d-a.txt`). Images that are left are looked for in files that list images (COCO, VIA, CVAT,
    Label Studio). Annotations among `images` are recognised as such and are not taken as images.

    Parameters
    ----------
    images : the image files.
    source : folder of annotations, searched with its subfolders (it may be the folder of the images); or one
        annotation file, in particular one that lists images. A single image goes with a single file whatever their
        names are, unless the file lists images.
    kind : what the annotations are. Label images go before other files for masks, XML and text for boxes, tables and
        dot images for points.

    Raises
    ------
    InputError : `source` does not exist or has no annotations, stems do not tell which belong together, or several
        files list an image; where no image has an annotation, a file that cannot be read.
    """
    source = Path(source)
    files, _ = split_images_and_annotations(images)
    usual, others = candidates(source, kind, set(files))
    found: dict[Path, Path] = {}
    lists, problems = _lists([source]) if source.is_file() else ({}, {})
    if not lists:
        if source.is_file() and len(files) == 1:
            return Matches([(files[0], source)], [], [])
        _match_stems(files, usual, found)
        _match_stems(files, others, found)
    used = set(found.values())
    usual, others = ([path for path in paths if path not in used] for paths in (usual, others))
    incomplete = len(found) < len(files)
    if incomplete and not lists:
        lists, problems = _lists([*usual, *others])
    unseen = _match_lists([image for image in files if image not in found], lists, found)
    if problems and not found and problems.keys() >= set(usual):
        raise next(iter(problems.values()))
    unmatched = [path for path in usual if path not in lists]
    if incomplete:  # only then others have been opened
        taken = {key(image) for image in found for key in (stem, bare_name)}
        strays = [path for path in others if path not in lists and path not in problems]
        unmatched += [path for path in strays if not {stem(path), bare_name(path)} & taken]
    return Matches(
        pairs=[(image, found[image]) for image in files if image in found],
        unmatched_images=[image for image in files if image not in found],
        unmatched_annotations=[*unmatched, *unseen],
    )


def by_stem(files: Sequence[Path], candidates: Sequence[Path]) -> Matches:
    """The candidate of each image file by its stem, as `match_annotations` says.

    Raises
    ------
    InputError : stems do not tell which belong together.
    """
    found: dict[Path, Path] = {}
    _match_stems(files, candidates, found)
    used = set(found.values())
    return Matches(
        pairs=[(image, found[image]) for image in files if image in found],
        unmatched_images=[image for image in files if image not in found],
        unmatched_annotations=[path for path in candidates if path not in used],
    )


def _match_stems(images: Sequence[Path], files: Sequence[Path], found: dict[Path, Path]) -> None:
    """Add to `found` the annotation of each image that has none yet, by its stem."""
    taken = set(found.values())
    for of_annotation, of_image in KEYS:
        free: dict[object, list[Path]] = defaultdict(list)
        for path in files:
            if path not in taken:
                free[of_annotation(path)].append(path)
        for image in images:
            choice = free.get(of_image(image), [])
            if image in found or not choice:
                continue
            if len(choice) > 1:
                choice = [path for path in choice if path.suffix.lower() in PIXELS or _marks(path)] or choice
            if len(choice) > 1:
                raise InputError(image, f"several annotations, as {choice[0]} and {choice[1]}", "one for each image")
            if choice[0] in taken:
                raise InputError(choice[0], f"several images for it, as {image}", "one image for each annotation")
            found[image] = choice[0]
            taken.add(choice[0])


def _lists(paths: Iterable[Path]) -> tuple[dict[Path, ImageNames], dict[Path, InputError]]:
    """Which of the files list images, and which cannot be read."""
    lists: dict[Path, ImageNames] = {}
    problems: dict[Path, InputError] = {}
    for path in paths:
        if path.suffix.lower() in PIXELS:
            continue
        try:
            names = listed_images(path)
        except InputError as error:
            problems[path] = error
        else:
            if names is not None:
                lists[path] = names
    return lists, problems


def _marks(path: Path) -> bool:
    """Whether a file holds marks by its content: programs put other files, and any tables, beside an image."""
    try:
        return not recognise(path)[1].last
    except InputError:
        return False


def _match_lists(images: Sequence[Path], lists: dict[Path, ImageNames], found: dict[Path, Path]) -> list[Path]:
    """Add to `found` the file that lists each image; the names in these files that no image has."""
    seen: dict[Path, set[int]] = defaultdict(set)
    for image in images:
        for path, names in lists.items():
            places = names.find(image)
            if not places:
                continue
            seen[path].update(places)
            if image in found:
                raise InputError(image, f"several annotations, in {found[image]} and {path}", "one for each image")
            found[image] = path
    return [Path(p) for path, names in lists.items() for i, p in enumerate(names.paths) if i not in seen[path]]


def find_ignore(image: Path, annotation: Path) -> Path | None:
    """The ignore region of an image: `<stem>_ignore.png` (or .tif) beside the annotation, by the stem of either."""
    for base in (stem(image), stem(annotation)):
        for suffix in (".png", ".tif", ".tiff"):
            path = annotation.parent / f"{base}_ignore{suffix}"
            if path.is_file():
                return path
    return None
