"""A job that needs no model: it copies, shouts and counts letters; `python toy_job.py IN OUT` runs it slowly."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from neubauer.errors import InputError
from neubauer.runs.job import Item, OneByOne


@dataclass
class Letters(OneByOne):
    """Of a text file `copies/NAME.txt`, `loud/NAME.txt` if asked for, and the number of its letters."""

    word: str = "x"
    loud: bool = False
    pause: float = 0.0

    verb = "letters"

    def settings(self) -> dict[str, Any]:
        return {"word": self.word}

    def outputs(self, name: str) -> list[str]:
        return [f"copies/{name}.txt", *([f"loud/{name}.txt"] if self.loud else [])]

    def one(self, item: Item, folder: Path) -> dict[str, Any]:
        text = item.path.read_text()
        if "bad" in text:
            raise InputError(item.path, "a bad word", "good words")
        (folder / "copies" / f"{item.name}.txt").write_text(text)
        time.sleep(self.pause)
        if self.loud:
            (folder / "loud" / f"{item.name}.txt").write_text(text.upper())
        return {"letters": len(text)}

    def tables(self) -> list[str]:
        return ["letters.csv"]

    def merge(self, out: Path, rows: Mapping[str, Mapping[str, Any]], folder: Path) -> None:
        time.sleep(self.pause)
        lines = [f"{name},{row['letters']}" for name, row in rows.items()]
        (folder / "letters.csv").write_text("\n".join(["image,letters", *lines]) + "\n")


def items_of(folder: Path) -> list[Item]:
    return [Item(file.stem, file) for file in sorted(folder.glob("*.txt"))]


if __name__ == "__main__":
    from neubauer.runs.executors import InProcess, LocalProcesses
    from neubauer.runs.run import run

    source, out, workers = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    executor = InProcess() if workers == 1 else LocalProcesses(workers)
    finished = run(Letters(loud=True, pause=0.02), items_of(source), out, executor=executor)
    print(json.dumps(finished.rows))
