"""What is done already: a small record of each item in `parts/`, written last."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from neubauer.errors import OutputError
from neubauer.runs.staging import publish

PARTS = "parts"
ENDING = ".json"


@dataclass(frozen=True)
class Store:
    """The folder of results of a run.

    An item is done when its record says so: it is written after all of its files have taken their places. Before they
    do, a record says which files are about to come, so that those of a process that was killed are known to be its own.
    Several processes may work on the same folder, each on its own items.

    Attributes
    ----------
    out : the folder.
    work : where files lie until they are whole, see `staging`.
    """

    out: Path
    work: Path

    def record(self, name: str) -> dict[str, Any]:
        """What is known of an item; empty if there is no record that can be read.

        `row`, `outputs` (that were wanted) and `files` (that it has, with sizes), or `failed` (why); the state of its
        file.
        """
        try:
            found = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def recorded(self) -> set[str]:
        """Names of all items that have a record, finished or not."""
        return {unquote(path.name.removesuffix(ENDING)) for path in (self.out / PARTS).glob(f"*{ENDING}")}

    def is_whole(self, name: str, outputs: list[str]) -> bool:
        """Whether an item is done and has these files; a power cut can leave an empty one under the right name."""
        record = self.record(name)
        sizes = record.get("files")
        if "row" not in record or not isinstance(sizes, dict) or not set(outputs) <= set(record.get("outputs", ())):
            return False
        return all(self._is_there(file, sizes[file]) for file in outputs if file in sizes)

    def _is_there(self, file: str, size: int) -> bool:
        try:
            return (self.out / file).stat().st_size > 0 or size == 0
        except OSError:
            return False

    def begin(self, key: str) -> Path:
        """An empty folder to write in."""
        folder = self.work / "items" / key
        folder.mkdir(parents=True)
        return folder

    def commit(
        self, name: str, folder: Path, outputs: Sequence[str], row: Mapping[str, Any], state: Mapping[str, Any]
    ) -> None:
        """Let the files of an item take their places, and note that it is done.

        Files of an earlier call that are not among these stay, and stay known.

        Parameters
        ----------
        name : of the item.
        folder : where the files are.
        outputs : relative paths of all that were wanted; an item need not have them all.
        row, state : to be known of the item, and of its file.

        Raises
        ------
        OutputError : they cannot be written.
        """
        files = [file for file in outputs if (folder / file).exists()]
        earlier = self.record(name)
        known = dict(state) | {
            "outputs": sorted({*earlier.get("outputs", ()), *outputs}),
            "files": self._earlier(name) | {file: (folder / file).stat().st_size for file in files},
        }
        try:
            self._write(name, known)
            publish(folder, self.out, files)
            self._write(name, known | {"row": dict(row)})
        except OSError as error:
            raise OutputError(f"{self.out}: cannot be written to ({error.strerror or error})") from error

    def fail(self, name: str, reason: str, state: Mapping[str, Any]) -> None:
        """Note why an item could not be done, until `commit` or `drop`."""
        self._write(name, {**state, "files": self._earlier(name), "failed": reason})

    def drop(self, name: str) -> list[str]:
        """Remove the record of an item, and the files that it names, which are returned.

        Raises
        ------
        OutputError : they cannot be removed.
        """
        files = list(self._earlier(name))
        self.remove(files)
        self._file(name).unlink(missing_ok=True)  # last: it says which files there are
        return files

    def remove(self, files: list[str]) -> None:
        """Remove files (relative paths) that are there, and the folders that are empty then."""
        try:
            for file in files:
                (self.out / file).unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(f"{self.out}: {file} cannot be removed ({error.strerror or error})") from error
        folders = {folder for file in files for folder in (self.out / file).parents if folder.is_relative_to(self.out)}
        for folder in sorted(folders - {self.out}, key=lambda f: -len(f.parts)):
            with suppress(OSError):  # others have files there
                folder.rmdir()

    def discard(self, folder: Path) -> None:
        """Remove a folder that `begin` gave."""
        shutil.rmtree(folder, ignore_errors=True)

    def _earlier(self, name: str) -> dict[str, int]:
        files = self.record(name).get("files")
        return files if isinstance(files, dict) else {}

    def _file(self, name: str) -> Path:
        return self.out / PARTS / f"{file_name(name)}{ENDING}"

    def _write(self, name: str, record: Mapping[str, Any]) -> None:
        temporary = self.work / "records" / file_name(name)
        try:
            temporary.parent.mkdir(exist_ok=True)
            temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")
            temporary.replace(self._file(name))
        except OSError as error:
            raise OutputError(f"{self.out}: cannot be written to ({error.strerror or error})") from error


def file_name(name: str) -> str:
    """The name without what no file name can hold; `unquote` restores it."""
    return re.sub(r'[%/\\:*?"<>|\x00-\x1f]', lambda match: f"%{ord(match[0]):02X}", name)
