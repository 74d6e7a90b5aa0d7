"""Which files a person means, and what to call their results."""

from __future__ import annotations

import glob
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from neubauer.errors import InputError
from neubauer.images.readers.registry import suffixes
from neubauer.images.stem import stem


def natural_key(path: str | Path) -> list[tuple[int, int, str]]:
    """Sort key by which `cell2` comes before `cell10`."""
    parts = re.split(r"(\d+)", str(path))
    return [(0, int(part), part) if part.isdecimal() else (1, 0, part.casefold()) for part in parts]


def find_images(
    inputs: Iterable[str | Path],
    *,
    recursive: bool = False,
    choose: Callable[[list[Path]], list[Path]] | None = None,
) -> list[Path]:
    """The image files that `inputs` name.

    A file is taken whatever its suffix. A folder stands for the files in it with a known suffix (those of the readers,
    in any case), hidden ones left out. Anything else is a glob pattern; each match counts as if it had been named.

    Parameters
    ----------
    inputs : files, folders, glob patterns (`**` matches folders of any depth).
    recursive : also look into the folders of folders.
    choose : picks those that count among the files found in a folder; files that are named always do.

    Returns
    -------
    Files in the order of the inputs, in natural order within a folder or pattern, each file once.

    Raises
    ------
    InputError : an input names no image.
    """
    found: dict[Path, Path] = {}
    for item in [inputs] if isinstance(inputs, (str, Path)) else inputs:
        files = _expand(Path(item), recursive, choose)
        if not files and not Path(item).exists():
            matches = sorted(glob.glob(str(item), recursive=True), key=natural_key)
            files = [file for match in matches for file in _expand(Path(match), recursive, choose)]
        if not files:
            what = (
                "a folder without images"
                if Path(item).is_dir()
                else "no such file or folder, and no match as a pattern"
            )
            raise InputError(item, what, f"images ({' '.join(suffixes())})")
        for file in files:
            found.setdefault(file.resolve(), file)
    return list(found.values())


def is_image(file: Path, folder: Path) -> bool:
    """Whether a file that lies somewhere in a folder is an image by its suffix, and nothing on the way is hidden."""
    return (
        file.suffix.lower() in suffixes()
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def _expand(path: Path, recursive: bool, choose: Callable[[list[Path]], list[Path]] | None) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        return []
    files = sorted(
        (file for file in (path.rglob("*") if recursive else path.iterdir()) if is_image(file, path)), key=natural_key
    )
    return files if choose is None else choose(files)


def unique_stems(paths: Sequence[Path]) -> dict[Path, str]:
    """A name for the results of each file: its stem, or where several files share one, something longer.

    Files with the same stem (upper and lower case being the same, as on some file systems) are called `<folder>_<stem>`
    if they lie in different folders, else `<stem>_<suffix>`, else `<folder>_<stem>_<suffix>`, else they are numbered
    `<stem>_1`, `<stem>_2` in the order of `paths`. The names depend on the whole list: give all inputs, not a part.
    """
    groups: dict[str, list[Path]] = {}
    for path in dict.fromkeys(paths):
        groups.setdefault(stem(path).casefold(), []).append(path)
    names = {group[0]: stem(group[0]) for group in groups.values() if len(group) == 1}
    taken = {name.casefold() for name in names.values()}
    for group in groups.values():
        if len(group) == 1:
            continue
        for candidates in _longer_names(group, taken):
            folded = {name.casefold() for name in candidates}
            if len(folded) == len(group) and not folded & taken:
                names.update(zip(group, candidates, strict=True))
                taken |= folded
                break
    return {path: names[path] for path in paths}


def _longer_names(group: Sequence[Path], taken: set[str]) -> Iterable[list[str]]:
    folders = [path.resolve().parent.name for path in group]
    stems = [stem(path) for path in group]
    suffixes = [path.suffix.lstrip(".").lower() for path in group]
    yield [f"{folder}_{name}" for folder, name in zip(folders, stems, strict=True)]
    yield [f"{name}_{suffix}" for name, suffix in zip(stems, suffixes, strict=True)]
    yield [f"{folder}_{name}_{suffix}" for folder, name, suffix in zip(folders, stems, suffixes, strict=True)]
    start = 1
    while any(f"{name}_{i}".casefold() in taken for i, name in enumerate(stems, start)):
        start += 1
    yield [f"{name}_{i}" for i, name in enumerate(stems, start)]
