"""What is in an annotation file: JSON, XML, a table or other text, ROIs. It is told by content before suffix."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal
from xml.etree import ElementTree

from neubauer.cells.read.text import read_text
from neubauer.errors import InputError

Syntax = Literal["json", "xml", "zip", "roi", "text"]
_STARTS: dict[bytes, Syntax] = {
    b"PK\x03\x04": "zip",
    b"PK\x05\x06": "zip",
    b"Iout": "roi",
    b"{": "json",
    b"[": "json",
    b"<": "xml",
}
_SUFFIXES: dict[str, Syntax] = {".json": "json", ".geojson": "json", ".xml": "xml", ".zip": "zip", ".roi": "roi"}


@dataclass(frozen=True, eq=False)
class Content:
    """A file, read as far as somebody asks.

    Attributes
    ----------
    path : the file.
    start : its first bytes.
    """

    path: Path
    start: bytes

    @cached_property
    def syntax(self) -> Syntax:
        """By the first bytes, else by the suffix."""
        start = self.start.removeprefix(b"\xef\xbb\xbf").lstrip()
        by_start = next((syntax for begin, syntax in _STARTS.items() if start.startswith(begin)), None)
        return by_start or _SUFFIXES.get(self.path.suffix.lower(), "text")

    @cached_property
    def text(self) -> str:
        """The text of a UTF-8 file."""
        return read_text(self.path, "annotations")

    @cached_property
    def json(self) -> Any:
        """The content of a JSON file.

        Raises
        ------
        InputError : it cannot be read as JSON.
        """
        expected = "annotations as JSON"
        try:
            return json.loads(read_text(self.path, expected))
        except json.JSONDecodeError as error:
            raise InputError(self.path, f"a file that cannot be read as JSON: {error}", expected) from error
        except RecursionError as error:
            raise InputError(self.path, "JSON of too many lists or objects in each other", expected) from error
        except InputError:
            raise
        except ValueError as error:
            raise InputError(self.path, "JSON with a number of too many digits", expected) from error

    @cached_property
    def xml(self) -> ElementTree.Element:
        """The root of an XML file.

        Raises
        ------
        InputError : it cannot be read as XML.
        """
        expected = "annotations as XML"
        try:
            return ElementTree.parse(self.path).getroot()
        except OSError as error:
            raise InputError(self.path, f"a file that cannot be read: {error.strerror or error}", expected) from error
        except ElementTree.ParseError as error:
            raise InputError(self.path, f"a file that cannot be read as XML: {error}", expected) from error
        except (LookupError, ValueError) as error:  # what expat leaves to Python's codecs
            raise InputError(self.path, "XML that says to be in an encoding that cannot be read", expected) from error

    def is_object(self, *keys: str) -> bool:
        """Whether it is a JSON object with all of these keys."""
        return self.syntax == "json" and isinstance(self.json, dict) and set(keys) <= set(self.json)

    def is_xml(self, root: str) -> bool:
        """Whether it is XML with such a root."""
        return self.syntax == "xml" and self.xml.tag == root


def load_content(path: Path) -> Content:
    """The content of a file, at hand if it was read before and has not changed.

    Raises
    ------
    InputError : there is no such file, or it cannot be opened.
    """
    try:
        state = path.stat()
        if not path.is_file():
            raise InputError(path, "no file", "a file of annotations")
    except OSError as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else f"a file that cannot be read: {error}"
        raise InputError(path, found, "a file of annotations") from error
    return _load(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _load(path: Path, modified: int, size: int) -> Content:
    try:
        with open(path, "rb") as file:
            return Content(path, file.read(4096))
    except OSError as error:
        found = f"a file that cannot be read: {error.strerror or error}"
        raise InputError(path, found, "a file of annotations") from error
