"""What `neubauer count` wrote into its folder before: which of it still holds, and how it is removed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neubauer.cli.common import say

if TYPE_CHECKING:
    from neubauer.cells.write.parts import TableParts

FILES = {
    "masks": "{}_masks.tif",
    "overlays": "{}_overlay.png",
    "geojson": "{}.geojson",
    "coco": "{}_coco.json",
    "roi": "{}_rois.zip",
    "yolo": "labels/{}.txt",
}
"""What an image gets in the folder of each kind of output."""
COMMON_FILES = {"coco": "annotations.json", "yolo": "classes.txt"}
"""What all images share there."""


def files_of(out: Path, name: str, kinds: Sequence[str]) -> list[Path]:
    return [out / kind / FILES[kind].format(name) for kind in kinds]


def file_state(path: Path) -> dict[str, int]:
    """What differs when a file has changed; nothing for one that is gone."""
    try:
        stat = path.stat()
    except OSError:
        return {}
    return {"size": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def _unchanged(path: Path, record: Mapping[str, Any]) -> bool:
    state = file_state(path)
    return bool(state) and state == {key: record.get(key) for key in state}


def forget_changed(out: Path, parts: TableParts, paths: Mapping[str, Path]) -> dict[str, list[str]]:
    """Drop the results of images whose files have changed since; returns which kinds of files each of them had."""
    records = {name: parts.record(name) for name in paths}
    changed = [name for name, record in records.items() if not _unchanged(paths[name], record)]
    known = sum("mtime_ns" in records[name] for name in changed)
    if known:
        say(f"{known} image{' has' if known == 1 else 's have'} changed since and {_are(known)} counted again")
    if unknown := len(changed) - known:  # results of an older version
        say(f"{unknown} image{'' if unknown == 1 else 's'} without a record of the file {_are(unknown)} counted again")
    return {name: _drop(out, parts, name) for name in changed}


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def outdated_of(parts: TableParts, others: Mapping[str, Path], stored: set[str]) -> list[str]:
    """Names of those images of earlier calls whose files are gone or changed; says what becomes of all of them."""
    outdated = [name for name, path in others.items() if not _unchanged(path, parts.record(name))]
    gone, every = len(stored.intersection(outdated)), len(stored.intersection(others))
    if every:
        say(
            f"images counted earlier that are not among these inputs: {every - gone} kept in the tables, "
            f"{gone} left out of them (the files are gone or have changed since)"
        )
    return outdated


def outputs_of(record: Mapping[str, Any]) -> list[str]:
    """The kinds of files that were written for an image."""
    found = record.get("outputs")
    return [kind for kind in found if kind in FILES] if isinstance(found, list) else []


def _drop(out: Path, parts: TableParts, name: str) -> list[str]:
    """Remove what was written for an image, of which kinds is returned; files that were not stay."""
    from neubauer.images.write import remove

    kinds = outputs_of(parts.record(name))
    for file in files_of(out, name, kinds):
        remove(file)
    parts.drop(name)  # last: it says which files there are
    return kinds


def remove_results(out: Path, parts: TableParts) -> None:
    """Remove the files of all images of an earlier run, and the folders that are empty then."""
    from neubauer.images.write import remove

    written = {kind for name in parts.recorded() for kind in _drop(out, parts, name)}
    for kind in written & COMMON_FILES.keys():
        remove(out / kind / COMMON_FILES[kind])
    for folder in [(out / kind / FILES[kind]).parent for kind in written] + [out / kind for kind in written]:
        with suppress(OSError):  # others have files there
            folder.rmdir()
