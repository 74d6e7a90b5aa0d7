"""The public development sets, as pairs of an image and its annotation.

Every loader takes the folder that holds the sets (`--data`, by default `../shared/data` beside the checkout) and
returns a list of `Item`; `group` names images that belong together when a set is split.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from neubauer.cells.annotation import Annotation, Kind
from neubauer.cells.read.load import load_annotation
from neubauer.images.read import open_image
from neubauer.images.stain import Stain
from neubauer.models.shared.inputs import Annotated, Reading, as_source, same_channels

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
BLOOD = ("RBC", "WBC", "Platelets")
# images of BCCD that show the same field
BCCD_TOGETHER = [
    "40+41",
    "166+193",
    "204+277",
    "206+278",
    "223+263",
    "227+260",
    "233+254",
    "243+250",
    "377+400",
    "386+391",
]


@dataclass(frozen=True)
class Item:
    """An image (or one stain of it), its annotation, and the group that it must stay with."""

    image: Path
    annotation: Annotation
    group: str
    stain: Stain | None = None

    def pair(self) -> Annotated:
        """As the counter takes it."""
        return Annotated(as_source(self.image, reading=Reading(stain=self.stain)), self.annotation)


def _item(image: Path, annotation: Path, kind: Kind, group: str, classes: Sequence[str] | None = None) -> Item:
    shape = open_image(image).shape[1:]
    return Item(image, load_annotation(image, annotation, kind, shape, classes), group)


def bccd(data: Path) -> list[Item]:
    """Blood smears with boxes of red cells, white cells and platelets."""
    together = {int(n): pair for pair in BCCD_TOGETHER for n in pair.split("+")}
    items = []
    for image in sorted((data / "bccd/images").glob("*.jpg")):
        number = int(image.stem.split("_")[-1])
        annotation = data / "bccd/annotations" / f"{image.stem}.xml"
        items.append(_item(image, annotation, "boxes", together.get(number, image.stem), BLOOD))
    return items


def vgg(data: Path) -> list[Item]:
    """Synthetic dense fluorescence, dots."""
    images = sorted((data / "vgg-cells").glob("*cell.png"))
    return [_item(i, i.with_name(i.name.replace("cell", "dots")), "points", i.stem) for i in images]


def mbm(data: Path) -> list[Item]:
    """Bone marrow, dots; the quarters of one region are a group."""
    dots = sorted((data / "mbm").glob("*_dots_*.png"))
    return [_item(d.with_name(d.name.replace("_dots", "")), d, "points", d.stem.split("_dots")[0]) for d in dots]


def adi(data: Path) -> list[Item]:
    """Adipocytes, dots; the images of a donor are a group."""
    images = sorted((data / "adi/images").glob("*.jpeg"))
    folder = data / "adi/annotations"
    return [_item(i, folder / f"{i.stem}.png", "points", i.stem.split("_")[1]) for i in images]


def dsb2018(data: Path, modality: str) -> list[Item]:
    """Nuclei with masks, of one modality: `fluorescence`, `colour` or `brightfield-grey`."""
    index = pd.read_csv(data / "dsb2018/index.csv")
    names = index.id[index.modality == modality]
    folder = data / "dsb2018"
    return [_item(folder / "images" / f"{n}.png", folder / "labels" / f"{n}.png", "masks", n) for n in names]


def haematoxylin(data: Path) -> list[Item]:
    """The haematoxylin of the stained tissue in DSB2018, separated."""
    return [replace(item, stain="haematoxylin") for item in dsb2018(data, "colour")]


def bbbc039(data: Path) -> list[Item]:
    """U2OS nuclei, 16 bit, with masks."""
    images = sorted((data / "bbbc039/images").glob("*.tif"))
    return [_item(i, data / "bbbc039/labels" / f"{i.stem}.png", "masks", i.stem) for i in images]


def tissue(data: Path, name: str) -> list[Item]:
    """Stained tissue with masks of nuclei: `monuseg` (several organs) or `gbm40` (glioblastoma)."""
    names = pd.read_csv(data / name / "index.csv", dtype=str).id
    folder = data / name
    suffix = next((folder / "images").iterdir()).suffix
    return [_item(folder / "images" / f"{n}{suffix}", folder / "labels" / f"{n}.png", "masks", n) for n in names]


def wbc_rapid(data: Path) -> list[Item]:
    """Single white cells in a rapid stain, each with the box of its mask; red cells around it have no mark."""
    items = []
    for image in sorted((data / "wbc-rapid/images").glob("*/*.png")):
        with Image.open(data / "wbc-rapid/masks" / image.parent.name / image.name) as mask:
            inside = np.asarray(mask) > 0
        y, x = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
        box = np.array([[y[0], x[0], y[-1] + 1, x[-1] + 1]], float)
        centre = (box[:, :2] + box[:, 2:]) / 2 - 0.5
        marks = Annotation("boxes", inside.shape, BLOOD, np.array([BLOOD.index("WBC")]), centre, boxes=box)
        items.append(Item(image, marks, f"{image.parent.name}/{image.stem}"))
    return items


SETS: dict[str, Callable[[Path], list[Item]]] = {
    "bccd": bccd,
    "vgg": vgg,
    "mbm": mbm,
    "adi": adi,
    "dsb2018-fluorescence": lambda data: dsb2018(data, "fluorescence"),
    "dsb2018-colour": lambda data: dsb2018(data, "colour"),
    "dsb2018-haematoxylin": haematoxylin,
    "bbbc039": bbbc039,
    "wbc-rapid": wbc_rapid,
    "monuseg": lambda data: tissue(data, "monuseg"),
    "gbm40": lambda data: tissue(data, "gbm40"),
}


def split_groups(items: Sequence[Item], sizes: Sequence[int], seed: int) -> list[list[Item]]:
    """Parts of at least the given sizes (images), the rest last; no group is torn apart."""
    groups: dict[str, list[Item]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    keys = list(groups)
    np.random.default_rng(seed).shuffle(keys)
    parts: list[list[Item]] = [[] for _ in range(len(sizes) + 1)]
    part = 0
    for key in keys:
        while part < len(sizes) and len(parts[part]) >= sizes[part]:
            part += 1
        parts[part].extend(groups[key])
    return parts


def pairs_of(items: Sequence[Item]) -> list[Annotated]:
    """Ready for training or evaluation, with channels checked and reduced where one says all."""
    return same_channels([item.pair() for item in items])


def data_option(parser: argparse.ArgumentParser) -> None:
    """`--data FOLDER`."""
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the sets (default: %(default)s)")
