"""What reads images: one reader for each family of file formats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from neubauer.images.source import ImageSource
from neubauer.images.stack import Project
from neubauer.plugins import Registry


@dataclass(frozen=True)
class Reader:
    """Opens files of some formats.

    Attributes
    ----------
    suffixes : in lower case, with the dot; the files in a folder that count as images have one of them.
    takes : file and its first 16 bytes -> whether it is for this reader. Nothing may be raised.
    open : file, projection and frame of a stack -> image, see `neubauer.images.read.open_image`. Raises InputError,
        which names the file, for one that cannot be used.
    last : asked only where no other reader takes a file.
    """

    suffixes: tuple[str, ...]
    takes: Callable[[Path, bytes], bool]
    open: Callable[[Path, Project | None, int | None], ImageSource]
    last: bool = False


READERS: Registry[Reader] = Registry("reader", "neubauer.images.readers", "neubauer.readers")


def reader_of(path: Path, first: bytes) -> Reader:
    """The reader that takes a file which begins with these bytes."""
    every = sorted(READERS.values(), key=lambda reader: reader.last)
    return next(reader for reader in every if reader.takes(path, first))


def suffixes() -> tuple[str, ...]:
    """Of image files, as far as readers know them."""
    return tuple(dict.fromkeys(suffix for reader in READERS.values() for suffix in reader.suffixes))
