"""What `count --regions` names: a file for all images, a folder with one for each, or the tissue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from neubauer.cells.read.match import by_stem
from neubauer.cells.regions.read.load import EXPECTED, SUFFIXES, read_regions
from neubauer.cells.regions.regions import Regions
from neubauer.cells.regions.tissue import find_tissue
from neubauer.errors import InputError
from neubauer.images.source import ImageSource
from neubauer.runs.digests import file_digest
from neubauer.runs.events import Note, OnEvent, unheard
from neubauer.runs.job import Item

TISSUE = "tissue"
NAMED = 5
"""Files that are named in a note."""


@dataclass(frozen=True)
class RegionChoice:
    """Where is counted, image by image.

    Attributes
    ----------
    given : file, folder, or `TISSUE`.
    files : of the images of a folder, by the names of their results; those without are not in it.
    """

    given: str
    files: dict[str, Path] = field(default_factory=dict)

    def of(self, name: str, path: Path, image: ImageSource) -> Regions:
        """The regions of an image.

        Raises
        ------
        InputError : it has none, or they cannot be used.
        """
        if self.given == TISSUE:
            return find_tissue(image)
        file = self._file(name)
        if file is None:
            raise InputError(
                path, f"no regions of this image in {self.given}", f"a file with the same stem: {EXPECTED}"
            )
        return read_regions(file, (image.shape[1], image.shape[2]), path)

    def key(self, name: str) -> str:
        """What the regions of an image depend on, in a few characters for a file name: others make others."""
        file = self._file(name)
        return TISSUE if self.given == TISSUE else "none" if file is None else file_digest(file)[:12]

    @property
    def record(self) -> dict[str, str]:
        """For run.json; the files of a folder may join later, each is told by the names in `parts/`."""
        if self.given == TISSUE:
            return {"regions": TISSUE}
        path = Path(self.given)
        sha256 = {"regions_sha256": file_digest(path)} if path.is_file() else {}
        return {"regions": str(path.resolve())} | sha256

    def _file(self, name: str) -> Path | None:
        return Path(self.given) if Path(self.given).is_file() else self.files.get(name)


def choose_regions(given: str | Path | None, items: Sequence[Item], on_event: OnEvent = unheard) -> RegionChoice | None:
    """What `--regions` says, for these images; which of them have none is told.

    In a folder each file belongs to the image of the same stem; words such as `mask`, `annotation` or `image` do not
    count (`neubauer.cells.read.match`).

    Raises
    ------
    InputError : no such file or folder, one without regions, or none of these images.
    """
    if given is None:
        return None
    path = Path(given)
    if str(given) == TISSUE or path.is_file():
        return RegionChoice(str(given))
    if not path.is_dir():
        raise InputError(path, "no such file or folder", f"{TISSUE!r}, a folder, or {EXPECTED}")
    images = [item.path for item in items]
    seen = {image.resolve() for image in images}
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.suffix.lower() in SUFFIXES and file.resolve() not in seen and not file.name.startswith(".")
    ]
    if not files:
        raise InputError(path, "no file of regions", EXPECTED)
    matches = by_stem(images, files)
    found = dict(matches.pairs)
    if not found:
        raise InputError(
            path, f"regions, but none of these images (as {files[0].name})", "files with the stems of images"
        )
    if matches.unmatched_images:
        _tell(f"without regions in {path}, not counted", matches.unmatched_images, on_event)
    if matches.unmatched_annotations:
        _tell(f"of no image, not used: regions in {path}", matches.unmatched_annotations, on_event)
    return RegionChoice(str(path), {item.name: found[item.path] for item in items if item.path in found})


def _tell(what: str, files: Sequence[Path], on_event: OnEvent) -> None:
    names = ", ".join(file.name for file in files[:NAMED]) + (" ..." if len(files) > NAMED else "")
    on_event(Note(f"{what}: {len(files)} ({names})"))
