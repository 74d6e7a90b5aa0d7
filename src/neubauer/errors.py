"""Errors that a person can act on: they name the file, what was found and what was expected."""

from __future__ import annotations

from pathlib import Path


class NeubauerError(Exception):
    """Base of every error that `neubauer` raises on purpose."""


class InputError(NeubauerError, ValueError):
    """An input (image, annotation, model, option) cannot be used.

    Parameters
    ----------
    where : the file or the option at fault.
    found : what was found there.
    expected : what would have been usable.
    """

    def __init__(self, where: str | Path, found: str, expected: str) -> None:
        self.where, self.found, self.expected = str(where), found, expected
        super().__init__(f"{where}: found {found}; expected {expected}")

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str]]:
        """So that it can come back from another process."""
        return type(self), (self.where, self.found, self.expected)


class OutputError(NeubauerError, OSError):
    """A result cannot be written."""
