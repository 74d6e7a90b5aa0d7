"""What is done to each item of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


@dataclass(frozen=True)
class Item:
    """One input.

    Attributes
    ----------
    name : what its results are called.
    path : the file.
    folder : the input folder that it was found in; None: the one that it lies in.
    """

    name: str
    path: Path
    folder: Path | None = None


class Job(Protocol):
    """What a run does. It can be pickled, and loads what is heavy where it works.

    Attributes
    ----------
    verb : of the command line.
    batch : items that are done at a time.
    """

    verb: str
    batch: int

    def settings(self) -> dict[str, Any]:
        """All that the results depend on, models by their hashes, values as in JSON; a run goes on under the same."""
        ...

    def outputs(self, name: str) -> list[str]:
        """Files, relative to the folder of results, that an item of this name gets."""
        ...

    def do(self, items: Sequence[Item], folder: Path) -> dict[str, dict[str, Any] | Exception]:
        """Do some items.

        Parameters
        ----------
        items : at most `batch` of them.
        folder : where their files are written, under the names that `outputs` says; folders in it are there.

        Returns
        -------
        By name what is to be known of each (a row, values as in JSON), or why it failed.
        """
        ...

    def tables(self) -> list[str]:
        """Files, relative to the folder of results, that `merge` makes."""
        ...

    def merge(self, out: Path, rows: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
        """Make the files that all items share.

        Parameters
        ----------
        out : the folder of results, with the files of all items.
        rows : what is known of each item that is done, by name, in the order of the tables.
        folder : where to write; what is there afterwards takes its place in `out`. A table that is not there
            afterwards is removed from `out`.
        """
        ...


class OneByOne:
    """A job whose items have nothing to do with each other; it says what is done to `one`."""

    batch = 1

    def one(self, item: Item, folder: Path) -> dict[str, Any]:
        """Do one item; see `Job.do`."""
        raise NotImplementedError

    def do(self, items: Sequence[Item], folder: Path) -> dict[str, dict[str, Any] | Exception]:
        """See `Job.do`."""
        found: dict[str, dict[str, Any] | Exception] = {}
        for item in items:
            try:
                found[item.name] = self.one(item, folder)
            except Exception as error:  # whatever is wrong with one item, the others are done
                found[item.name] = error
        return found
