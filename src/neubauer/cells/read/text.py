"""Text files in."""

from __future__ import annotations

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
