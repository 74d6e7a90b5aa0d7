"""What people give a classifier to learn from -> square images of one size, in a training and a validation part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neubauer.cells.central import central_diameter
from neubauer.cells.read.class_folders import LabelledFiles, check_classes, from_class_folders, from_labels_csv
from neubauer.errors import InputError
from neubauer.gan.data.images import ImageSet, IntensityRange
from neubauer.images.find import find_images
from neubauer.models.classifier.config import UNKNOWN
from neubauer.models.classifier.crops import Crops, check_sides, drop_duplicates, read_crops, sources, to_images, usable
from neubauer.models.shared.inputs import ImageLike

LARGEST, SMALLEST = 64, 24
"""Sides (pixels) of the square that a network sees by default, whatever the size of the crops."""
MEASURED = 300
"""Crops in which the diameter of the cell is measured."""

Images = str | Path | np.ndarray | Sequence[ImageLike]
Labels = str | Path | Sequence[str] | None


@dataclass(frozen=True)
class Labelled:
    """Crops with their classes.

    Attributes
    ----------
    crops : the crops.
    names : class of each.
    groups : what each was cut from, or None.
    """

    crops: Crops
    names: list[str]
    groups: list[str] | None

    def diameter(self) -> float:
        """Typical diameter of the cells, in pixels of the crops: the median of some of them; half the side if nothing
        stands out from the background."""
        every = max(1, len(self.crops.pixels) // MEASURED)
        found = [d for d in (central_diameter(p) for p in self.crops.pixels[::every]) if d > 0]
        return float(np.median(found)) if found else self.crops.side() / 2


def labelled_images(images: Images, labels: Labels = None) -> tuple[Path, list[ImageLike], list[str]]:
    """Where images come from, the images, and the class of each; nothing is read yet. See `read_labelled`."""
    where, given, files = _find(images, labels, None)
    return where, given, list(files.names)


def read_labelled(images: Images, labels: Labels = None, groups: Sequence[str] | None = None) -> Labelled:
    """Read what a classifier is trained on.

    Parameters
    ----------
    images : a folder of class folders; a folder of images with `labels` a CSV file; or arrays or files with `labels`
        one name for each.
    labels : see there.
    groups : what each image was cut from, where `labels` are names; a CSV file has them in a column.

    Raises
    ------
    InputError : labels are missing or too many, fewer than two classes or than two images in one, an image in two
        classes, or crops of very different size. Images that cannot be read are left out with a warning.
    """
    return _checked(*_find(images, labels, groups))


def _find(images: Images, labels: Labels, groups: Sequence[str] | None) -> tuple[Path, list[ImageLike], LabelledFiles]:
    if isinstance(images, str | Path):
        where = Path(images)
        if labels is not None and not isinstance(labels, str | Path):
            raise InputError("labels", "a list", f"a CSV file, since the images are a folder ({where})")
        files = from_class_folders(where) if labels is None else from_labels_csv(where, labels)
        return where, list(files.files), files
    if labels is None or isinstance(labels, str | Path):
        raise InputError("labels", repr(labels), "the class of each image")
    given = sources(images)
    for what, values in (("labels", labels), ("groups", groups)):
        if values is not None and len(values) != len(given):
            raise InputError(what, f"{len(values)} for {len(given)} images", "one for each image")
    names = tuple(str(name) for name in labels)
    return Path("images"), given, LabelledFiles((), names, None if groups is None else tuple(groups))


def _checked(where: Path, images: Sequence[ImageLike], files: LabelledFiles) -> Labelled:
    check_classes(where, files.names)
    reserved = {"image", "class", "probability", UNKNOWN} & set(files.names)
    if reserved:
        raise InputError(where, f"a class called {min(reserved)}", "a name that no column of the tables has")
    crops = usable(read_crops(images))
    check_sides(crops)
    keep = drop_duplicates(where, crops, [files.names[i] for i in crops.kept])
    kept = [crops.kept[i] for i in keep]
    names = [files.names[i] for i in kept]
    check_classes(where, names)  # what could not be read may have been all of a class
    groups = None if files.groups is None else [files.groups[i] for i in kept]
    chosen = Crops([crops.pixels[i] for i in keep], [crops.names[i] for i in keep], kept, crops.failed)
    return Labelled(chosen, names, groups)


def read_unlabelled(images: Images, like: tuple[int, str]) -> Crops:
    """Crops without classes: a folder, files or arrays of the given number of channels and data type."""
    if isinstance(images, str | Path):
        images = list(find_images([images], recursive=True))
    return usable(read_crops(sources(images), like))


def default_size(side: float) -> int:
    """Side of the square that a network sees of crops of a typical side."""
    return int(np.clip(round(side), SMALLEST, LARGEST))


def image_set(labelled: Labelled, classes: tuple[str, ...], scale: float, size: int) -> ImageSet:
    """The crops as a network sees them, with the intensity range of all of them."""
    images = to_images(labelled.crops, scale, size)
    index = np.searchsorted(classes, labelled.names).astype(np.int64)
    return ImageSet(images, IntensityRange.of(images), index, classes)


def split(labels: np.ndarray, share: float, seed: int, groups: Sequence[str] | None = None) -> np.ndarray:
    """(N,) bool: which images are held out, about `share` of each class and at least one, but never all.

    Images of one group stay together; a group counts for the class that most of its images have.

    Raises
    ------
    InputError : a class has one image, or all its images are of one group.
    """
    names = np.arange(len(labels)) if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
    held_out = np.zeros(len(labels), bool)
    counts = np.zeros((names.max() + 1, labels.max() + 1), np.int64)
    np.add.at(counts, (names, labels), 1)
    rng = np.random.default_rng(seed)
    for c in range(counts.shape[1]):
        mine = rng.permutation(np.flatnonzero(counts.argmax(1) == c))
        if len(mine) < 2:
            what = "images" if groups is None else "groups of images"
            raise InputError(what, f"fewer than two of class number {c}", "two: one to train on, one to check with")
        sizes = counts[mine, c].cumsum()
        wanted = max(1, round(share * sizes[-1]))
        n = min(int(np.searchsorted(sizes, wanted)) + 1, len(mine) - 1)
        held_out |= np.isin(names, mine[:n])
    return held_out
