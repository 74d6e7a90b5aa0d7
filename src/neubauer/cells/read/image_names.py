"""Images as annotation files name them: by file name, path or URL."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import parse_qs, unquote, urlsplit

from neubauer.images.stem import stem

_UPLOAD = re.compile(r"[0-9a-f]{8}-(?=.)")
_URLS = ("/data/upload/", "/data/local-files/")
"""What Label Studio's own addresses begin with."""


def plain_path(name: str) -> PurePosixPath:
    """The path that a name stands for: of a URL its path, unquoted, or what Label Studio's `?d=` says."""
    text = name.strip()
    if "://" in text or text.startswith(_URLS):
        url = urlsplit(text)
        local = parse_qs(url.query).get("d")
        text = local[0] if local else unquote(url.path)
    return PurePosixPath(text.replace("\\", "/"))


def without_upload(name: str) -> str:
    """A name without the eight digits that Label Studio puts in front of what is uploaded: `1a2b3c4d-name`."""
    return _UPLOAD.sub("", name, count=1) if _UPLOAD.match(name) else name


def as_uploaded(name: str) -> str:
    """A name as Label Studio changes it: blanks are underscores, punctuation is gone (Django's get_valid_filename)."""
    return re.sub(r"[^-\w.]", "", name.strip().replace(" ", "_"))


class ImageNames:
    """Finds images among the names in a file: by file name, else by stem, else by the stem as Label Studio has it.

    Where several have the same, that one is meant which shares most folders with the image.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.paths = [plain_path(name) for name in names]
        keys: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
            (str, str),
            (stem, stem),
            (lambda name: as_uploaded(without_upload(stem(name))), lambda name: as_uploaded(stem(name))),
        )
        self._levels: list[tuple[dict[str, list[int]], Callable[[str], str]]] = []
        for of_entry, of_image in keys:
            table: dict[str, list[int]] = defaultdict(list)
            for i, path in enumerate(self.paths):
                table[of_entry(path.name)].append(i)
            self._levels.append((table, of_image))

    def __len__(self) -> int:
        return len(self.paths)

    def find(self, image: str | Path) -> list[int]:
        """The places in the list at which an image is; more than one where that cannot be told."""
        image = Path(image)
        for table, key in self._levels:
            found = table.get(key(image.name), [])
            if len(found) > 1:
                shared = [_shared(self.paths[i].parts, image.parts) for i in found]
                found = [i for i, n in zip(found, shared, strict=True) if n == max(shared)]
            if found:
                return found
        return []


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """How many folders above the file have the same names."""
    n = 0
    for a, b in zip(reversed(one[:-1]), reversed(other[:-1]), strict=False):
        if a != b:
            break
        n += 1
    return n
