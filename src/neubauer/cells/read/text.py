"""Text files in."""

from __future__ import annotations

import csv
from pathlib import Path

from neubauer.errors import InputError


def read_text(path: Path, expected: str) -> str:
    """The content of a UTF-8 file, without a byte order mark.

    Raises
    ------
    InputError : the file cannot be read, or is not UTF-8; `expected` says what the caller needs.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise InputError(
            path, f"text that is not UTF-8 (byte {byte:#04x} at position {error.start})", expected
        ) from error
    except OSError as error:
        raise InputError(path, f"a file that cannot be read: {error.strerror or error}", expected) from error


def read_rows(path: Path, expected: str) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and the rows of a table separated by commas, with a header; all values are text.

    Raises
    ------
    InputError : the file cannot be read as one; `expected` says what the caller needs.
    """
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            return list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(path, str(error), expected) from error
