"""Where the images of a family come from, and trainings that leave sources out.

A source is a laboratory, stain or microscope: what images of one have in common, those of another need not have.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from datasets import BLOOD, SETS, Item, split_groups

from neubauer.cells.annotation import Annotation
from neubauer.images.read import from_array, open_image
from neubauer.models.counter.augment import Augmentation
from neubauer.models.shared.inputs import Annotated

TEST = {
    "dsb2018-fluorescence": 0.12,
    "bbbc039": 0.25,
    "dsb2018-colour": 0.15,
    "monuseg": 0.25,
    "bccd": 0.2,
    "dsb2018-haematoxylin": 0.075,
}
"""Share of the images of each set that no training and no calibration sees."""
VALIDATION = 0.15
WIDE = Augmentation(
    often=(0.7, 0.4, 0.8, 0.4),
    scale=(0.67, 1.5),
    gain=(0.7, 1.4),
    shift=0.15,
    channel=0.5,
    gamma=(0.6, 1.6),
    noise=0.08,
    blur=1.5,
    stains=0.4,
    stroma=0.35,
    hues=0.4,
    illumination=0.4,
    compression=0.2,
    coarse=0.2,
)
"""What another laboratory may do to the same cells."""
MID = Augmentation(
    gamma=(0.7, 1.4),
    stains=0.3,
    stroma=0.15,
    hues=0.15,
    illumination=0.2,
    compression=0.1,
    coarse=0.1,
)
"""Nearer to what is usual: networks that end with it are as good on known sources as those that saw nothing else."""
GREY = replace(WIDE, stains=0.0, stroma=0.0, hues=0.0)
GREY_MID = replace(MID, stains=0.0, stroma=0.0, hues=0.0)
"""The same two for images of one channel."""
PICTURES = ("astronaut", "brick", "camera", "chelsea", "grass", "gravel", "page", "rocket", "text", "motorcycle_left")
"""Pictures without cells, of those that come with scikit-image."""
WHITE = 205
"""Least 95th percentile of the green of an image whose ground is white."""


def _dsb_fluorescence(item: Item) -> str:
    side = max(item.annotation.shape)
    if side in (256, 360, 696):
        return {256: "dsb2018, 256 px", 360: "dsb2018, 360 px", 696: "dsb2018, 696 px"}[side]
    return "dsb2018, dense"


def _dsb_colour(item: Item) -> str:
    green = open_image(item.image).read()[1]
    return "dsb2018, white" if np.percentile(green, 95) >= WHITE else "dsb2018, purple"


SOURCE: dict[str, Callable[[Item], str]] = {
    "dsb2018-fluorescence": _dsb_fluorescence,
    "dsb2018-colour": _dsb_colour,
    "dsb2018-haematoxylin": _dsb_colour,
    "bbbc039": lambda _: "bbbc039",
    "vgg": lambda _: "vgg-cells",
    "monuseg": lambda _: "monuseg",
    "gbm40": lambda _: "gbm40",
    "mbm": lambda _: "mbm",
    "bccd": lambda _: "bccd",
    "wbc-rapid": lambda _: "wbc-rapid",
}


@dataclass(frozen=True)
class Stage:
    """A part of a training; the next one goes on from its weights."""

    steps: int
    augmentation: Augmentation
    learning_rate: float = 3e-3


@dataclass(frozen=True)
class Fold:
    """A training: what it learns from; everything else of its family is left out."""

    family: str
    sets: tuple[str, ...]
    stages: tuple[Stage, ...]
    sources: tuple[str, ...] = ()  # of the sets; none named: all
    start: str | None = None
    crop: int = 192
    channels: int = 3
    classes: tuple[str, ...] = ("cell",)
    layout_diameter: float = 24.0
    border_weight: float = 2.0
    bundled: bool = False  # its model comes with the package
    licence: str = ""
    further: dict[str, str] = field(default_factory=dict)  # facts that the model's config keeps


FAMILIES: dict[str, tuple[str, ...]] = {
    "tissue": ("dsb2018-colour", "monuseg", "gbm40", "mbm"),
    "fluorescence": ("dsb2018-fluorescence", "bbbc039", "vgg"),
    "blood": ("bccd", "wbc-rapid"),
    "haematoxylin": ("dsb2018-haematoxylin",),
}


def parts(name: str, data: Path) -> tuple[list[Item], list[Item], list[Item]]:
    """Test, validation and training images of a set, always the same ones."""
    items = SETS[name](data)
    test, validation, rest = split_groups(
        items, [round(TEST.get(name, 0.25) * len(items)), round(VALIDATION * len(items))], 0
    )
    return test, validation, rest


def chosen(fold: Fold, name: str, items: Sequence[Item]) -> list[Item]:
    """Those of a set's images that the fold learns from."""
    return [i for i in items if not fold.sources or SOURCE[name](i) in fold.sources]


def negatives(channels: int, classes: Sequence[str], seed: int = 0) -> Iterator[Annotated]:
    """Images without cells: pictures of other things, noise, shading, fibres."""
    from skimage import data

    rng = np.random.default_rng(seed)
    for name in PICTURES:
        image = np.asarray(data.stereo_motorcycle()[0] if name == "motorcycle_left" else getattr(data, name)())
        if channels == 1 or image.ndim == 2:
            grey = image if image.ndim == 2 else image[..., :3].mean(2).astype(np.uint8)
            image = grey[..., None] if channels == 1 else np.repeat(grey[..., None], 3, 2)
        yield _empty(np.moveaxis(image[:400, :400, :channels], -1, 0), classes)
    for k in range(4):
        noise = rng.normal(100, 5, (channels, 256, 256))
        if k % 2:
            y, x = np.mgrid[:256, :256] / 256
            noise = noise + 40 * (rng.uniform(-1, 1) * y + rng.uniform(-1, 1) * x)[None]
        yield _empty(np.clip(noise, 0, 255).astype(np.uint8), classes)


def _empty(pixels: np.ndarray, classes: Sequence[str]) -> Annotated:
    shape = pixels.shape[1:]
    nothing = Annotation(
        "masks", shape, tuple(classes), np.zeros(0, np.int64), np.zeros((0, 2)), labels=np.zeros(shape, np.int32)
    )
    return Annotated(from_array(np.ascontiguousarray(pixels), axes="CYX"), nothing)


FLUORESCENCE = ("dsb2018-fluorescence", "bbbc039")
GREY_FOLD = Fold("fluorescence", FLUORESCENCE, (), channels=1, layout_diameter=30.0)
SETTLE = Stage(1000, MID, 1.2e-3)
CC0 = "CC0: Data Science Bowl 2018"
FOLDS: dict[str, Fold] = {
    "nuclei-histology": Fold("tissue", ("dsb2018-colour",), (), start="nuclei-histology", bundled=True, licence=CC0),
    "nuclei-histology-nc": Fold(
        "tissue",
        ("dsb2018-colour", "monuseg"),
        (Stage(2000, WIDE), SETTLE),
        start="nuclei-histology",
        bundled=True,
        licence="CC BY-NC-SA 4.0: MoNuSeg; CC0: Data Science Bowl 2018",
    ),
    "tissue-without-monuseg": Fold(
        "tissue", ("dsb2018-colour", "gbm40"), (Stage(1000, WIDE), SETTLE), start="nuclei-histology"
    ),
    "tissue-without-dsb2018": Fold("tissue", ("monuseg", "gbm40"), (Stage(1000, WIDE),)),
    "nuclei-fluorescence": replace(
        GREY_FOLD,
        stages=(Stage(1000, GREY_MID, 1.2e-3),),
        start="nuclei-fluorescence",
        bundled=True,
        licence=CC0 + ", BBBC039",
    ),
    "nuclei-haematoxylin": replace(
        GREY_FOLD,
        family="haematoxylin",
        sets=("dsb2018-haematoxylin",),
        layout_diameter=24.0,
        start="nuclei-haematoxylin",
        bundled=True,
        licence=CC0 + ", BBBC039",
        further={"stain": "haematoxylin"},
    ),
    "fluorescence-without-360-696": replace(
        GREY_FOLD, stages=(Stage(1600, GREY),), sources=("dsb2018, 256 px", "dsb2018, dense")
    ),
    "fluorescence-without-256-dense": replace(
        GREY_FOLD, stages=(Stage(1000, GREY),), sources=("dsb2018, 360 px", "dsb2018, 696 px", "bbbc039")
    ),
    "blood-smear": Fold(
        "blood",
        ("bccd",),
        (),
        start="blood-smear",
        crop=320,
        classes=BLOOD,
        layout_diameter=64.0,
        border_weight=1.0,
        bundled=True,
        licence="MIT: BCCD",
    ),
}
